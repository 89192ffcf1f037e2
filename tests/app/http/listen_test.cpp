#include "scripted_service.hpp"
#include "support/catch.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <sys/stat.h>
#include <thread>

using namespace loom;

namespace {

/// A port that nobody listens on right now.
std::uint16_t free_port() {
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
    return acceptor.local_endpoint().port();
}

ListenAddress loopback() {
    ListenAddress address;
    address.host = "127.0.0.1";
    address.port = free_port();
    address.place = "loom.yaml:1:9";
    return address;
}

/// Sends, and reads to the end.
std::string talk(const ListenAddress& address, const std::string& text) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::make_address(address.host), address.port});
    error_code ec;
    asio::write(socket, asio::buffer(text), ec);
    std::string reply;
    asio::read(socket, asio::dynamic_buffer(reply), ec);
    return reply;
}

std::string get(const std::string& target, const std::string& fields) {
    return "GET " + target + " HTTP/1.1\r\nConnection: close\r\n" + fields + "\r\n";
}

bool begins(const std::string& reply, const std::string& status) { return reply.starts_with("HTTP/1.1 " + status + " "); }
bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("over TCP nothing but health is answered without a token") {
    const auto address = loopback();
    HttpBench http({}, {address});
    CHECK(begins(talk(address, get("/healthz", "Host: anything\r\n")), "200"));
    const auto bare = talk(address, get("/api/v1/jobs", "Host: localhost\r\n"));
    CHECK(begins(bare, "401"));
    CHECK(holds(bare, "WWW-Authenticate: Bearer realm=\"loom\"\r\n"));
    CHECK(holds(bare, "application/problem+json"));
    for (const char* field : {"Bearer", "Bearer ", "Basic YTpi", "Bearer x"})
        CHECK(begins(talk(address, get("/api/v1/jobs", std::string("Host: localhost\r\nAuthorization: ") + field + "\r\n")), "401"));
    CHECK(begins(talk(address, get("/api/v1/nothing", "Host: localhost\r\n")), "401"));
    CHECK(http.service.calls().empty());
    // The unix socket knows its callers.
    CHECK(begins(http.raw(get("/api/v1/jobs", "Host: loom\r\n")), "200"));
}

TEST_CASE("a request for another host, or of another origin's page, is turned away") {
    const auto address = loopback();
    HttpBench http({}, {address});
    const auto port = std::to_string(address.port);
    CHECK(begins(talk(address, get("/api/v1/jobs", "Host: evil.net:" + port + "\r\n")), "421"));
    CHECK(begins(talk(address, get("/api/v1/jobs", "Host: LOCALHOST:" + port + "\r\n")), "401"));
    const std::string host = "Host: 127.0.0.1:" + port + "\r\n";
    CHECK(begins(talk(address, get("/api/v1/jobs", host + "Origin: https://evil.net\r\n")), "403"));
    CHECK(begins(talk(address, get("/api/v1/jobs", host + "Origin: http://127.0.0.1:" + port + "\r\n")), "401"));
    CHECK(begins(http.raw(get("/api/v1/jobs", "Host: x\r\nOrigin: null\r\n")), "403"));
}

TEST_CASE("an address that is taken is told with its place") {
    const auto address = loopback();
    HttpBench http({}, {address});
    http.path = http.folder.path("second.sock");
    const auto second = http.start();
    REQUIRE(second.has_error());
    CHECK(second.error().message == "loom.yaml:1:9: cannot listen on " + to_string(address) + ": Address already in use");
}

TEST_CASE("a certificate that is no certificate stops the start, with its place") {
    auto address = loopback();
    tests::Folder folder;
    for (const char* name : {"a.crt", "a.key"}) folder.write(name, "nothing\n");
    address.tls.certificate = folder.path("a.crt");
    address.tls.key = folder.path("a.key");
    ::chmod(address.tls.key.c_str(), 0644);
    HttpBench http;
    http.path = http.folder.path("second.sock");
    http.settings.listen = {address};
    CHECK(holds(http.start().error().message, "loom.yaml:1:9: listen: tls: " + address.tls.key + ": a private key that everyone"));
    ::chmod(address.tls.key.c_str(), 0600);
    CHECK(holds(http.start().error().message, "loom.yaml:1:9: listen: tls: " + address.tls.certificate + ": "));
}

TEST_CASE("a body that comes slower than a kilobyte a second is dropped before its whole time") {
    // 100 bytes have 5 s; the bound itself is tried by `body`, which is smaller here.
    HttpLimits limits;
    limits.body = std::chrono::milliseconds(50);
    const auto address = loopback();
    HttpBench http(limits, {address});
    http.close();
    http.check_token = [](std::string) -> awaitable<Result<Principal>> {
        Principal known;
        known.grant.scope = AccessScope::admin;
        co_return known;
    };
    http.server = http.start().value();
    for (const char* length : {"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"})
        CHECK(talk(address, std::string("POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n") + length).empty());
}

TEST_CASE("who is not let in is told so before the request's body has come") {
    const auto address = loopback();
    HttpBench http({}, {address});
    for (const char* length : {"Content-Length: 1000000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n"}) {
        const auto reply = talk(address, std::string("POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n") + length);
        CHECK(begins(reply, "401"));
        CHECK(holds(reply, "Connection: close\r\n"));
    }
    // Nor is a body read that nobody asked for.
    CHECK(begins(http.raw("GET /healthz HTTP/1.1\r\nHost: loom\r\nContent-Length: 1000000\r\n\r\n"), "200"));
    CHECK(begins(http.raw("POST /api/v1/nothing HTTP/1.1\r\nHost: loom\r\nContent-Length: 1000000\r\n\r\n"), "404"));
}

TEST_CASE("one address may have so many connections that show nobody") {
    HttpLimits limits;
    limits.per_address = 2;
    const auto address = loopback();
    HttpBench http(limits, {address});
    asio::io_context context;
    std::vector<asio::ip::tcp::socket> idle;
    char byte = 0;
    error_code ec;
    for (int i = 0; i < 3; ++i) {
        idle.emplace_back(context);
        idle.back().connect({asio::ip::make_address(address.host), address.port});
    }
    // The first of three makes room: its end is seen, and the others are served.
    idle[0].read_some(asio::buffer(&byte, 1), ec);
    CHECK(ec == asio::error::eof);
    asio::write(idle[2], asio::buffer(get("/healthz", "Host: a\r\n")), ec);
    std::string reply;
    asio::read(idle[2], asio::dynamic_buffer(reply), ec);
    CHECK(begins(reply, "200"));
}

TEST_CASE("a plain route gets the bytes as they came, and its caller by its scope") {
    const auto address = loopback();
    HttpBench http;
    http.close();
    http.settings.listen = {address};
    const auto echo = [](HttpRequest request, Principal caller) -> awaitable<HttpResponse> {
        HttpResponse response{202, "text/plain", caller.by + "|" + request.query + "|" + std::string(request.field("x-sign")) + "|" + request.body};
        co_return response;
    };
    http.routes = {{"POST", "/hooks/", std::nullopt, echo}, {"GET", "/metrics", AccessScope::read, echo}};
    http.server = http.start().value();
    const auto hook = talk(address, "POST /hooks/a?b=c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Sign: s\r\nContent-Length: 3\r\n\r\n{\r\n");
    CHECK(begins(hook, "202"));
    CHECK(holds(hook, "|b=c|s|{\r\n"));
    CHECK(begins(talk(address, get("/metrics", "Host: localhost\r\n")), "401"));
    CHECK(begins(talk(address, get("/hooks/a", "Host: localhost\r\n")), "405"));
    CHECK(holds(http.raw(get("/metrics", "Host: a\r\n")), "user:"));
}

TEST_CASE("a reply says what it is of: its request's id, and a tag to ask again with") {
    HttpBench http;
    const auto first = http.raw(get("/api/v1/jobs", "Host: a\r\nX-Request-Id: ci-7\r\n"));
    CHECK(holds(first, "X-Request-Id: ci-7\r\n"));
    const auto at = first.find("ETag: ");
    REQUIRE(at != std::string::npos);
    const auto tag = first.substr(at + 6, first.find("\r\n", at) - at - 6);
    const auto again = http.raw(get("/api/v1/jobs", "Host: a\r\nIf-None-Match: " + tag + "\r\n"));
    CHECK(begins(again, "304"));
    CHECK(again.ends_with("\r\n\r\n"));
}

TEST_CASE("a server that hangs up is asked for TLS only where it has never answered") {
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
    const std::string body = R"({"version":"1","api":"v1"})";
    const auto answers = [&](const std::string& reply) { // of each one of the connections
        asio::ip::tcp::socket socket(context);
        acceptor.accept(socket);
        std::string request;
        error_code ec;
        asio::read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n", ec);
        asio::write(socket, asio::buffer(reply), ec);
    };
    std::thread server([&] {
        answers("");
        answers("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        answers("");
    });
    asio::thread_pool pool{1};
    const auto client = create_http_service(parse_server("http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port())).value());
    const auto ask = [&] { return block_on(pool.get_executor(), client->version()); };
    const auto first = ask(), second = ask(), third = ask();
    server.join();
    CHECK(holds(first.error().message, "broke off: End of file; where it speaks TLS, say https://"));
    CHECK(second.value().version == "1");
    CHECK(third.error().message.ends_with("broke off: End of file"));
    pool.join();
}
