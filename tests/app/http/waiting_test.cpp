#include "scripted_service.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

std::string get(const std::string& target, const std::string& fields = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: loom\r\n" + fields + "\r\n";
}

} // namespace

TEST_CASE("a client that leaves while its request waits frees its descriptor at once") {
    HttpBench http;
    http.service.waits = true;
    const auto descriptors = [] {
        const std::filesystem::directory_iterator all("/proc/self/fd");
        return std::distance(begin(all), end(all));
    };
    asio::io_context context;
    std::optional<UnixSocket> socket(std::in_place, context);
    socket->connect(asio::local::stream_protocol::endpoint(http.path));
    asio::write(*socket, asio::buffer(get("/api/v1/runs/last?wait=5m")));
    while (http.service.calls().empty()) std::this_thread::yield();
    const auto with_both_ends = descriptors();
    socket.reset();
    while (descriptors() > with_both_ends - 2) std::this_thread::yield();
    CHECK(http.service.calls().size() == 1); // that wait goes on
    http.service.waits = false;
}

TEST_CASE("a wait is as long as it was asked to be, in turns") {
    HttpLimits times;
    times.heartbeat = std::chrono::milliseconds(20);
    HttpBench http(times);
    http.service.waits = true;
    const auto reply = http.raw(get("/api/v1/runs/last?wait=100ms"));
    CHECK(reply.starts_with("HTTP/1.1 200 "));
    CHECK(reply.find("Connection: close\r\n") != std::string::npos); // what came meanwhile was not read as a request
    CHECK(http.service.calls().size() >= 2);
    CHECK(http.service.calls().size() <= 5);
}

TEST_CASE("a wait ends when its token does") {
    HttpLimits times;
    times.heartbeat = std::chrono::milliseconds(20);
    HttpBench http(times);
    http.close();
    std::atomic<bool> good{true};
    http.check_token = [&good](std::string) -> awaitable<Result<Principal>> {
        if (!good) co_return Error{Errc::denied, "the token is revoked"};
        Principal known;
        known.grant.scope = AccessScope::admin;
        co_return known;
    };
    http.server = http.start().value();
    http.service.waits = true;
    const std::jthread revoking([&] {
        while (http.service.calls().size() < 3) std::this_thread::yield();
        good = false;
    });
    const auto reply = http.raw(get("/api/v1/runs/last?wait=5m", "Authorization: Bearer x\r\n"));
    CHECK(reply.starts_with("HTTP/1.1 401 "));
    CHECK(reply.find("error=\"invalid_token\"") != std::string::npos);
}
