#include "scripted_service.hpp"
#include "support/catch.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace loom;

namespace {

std::string get(const std::string& target, const std::string& fields = "Connection: close\r\n") {
    return "GET " + target + " HTTP/1.1\r\nHost: loom\r\n" + fields + "\r\n";
}

std::string post(const std::string& target, const std::string& body, const std::string& type = "application/json") {
    return "POST " + target + " HTTP/1.1\r\nHost: loom\r\nConnection: close\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

bool begins(const std::string& reply, const std::string& status) { return reply.starts_with("HTTP/1.1 " + status + " "); }

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Event event_of(std::uint64_t id, std::string type, boost::json::object data) {
    Event event;
    event.id = id;
    event.type = std::move(type);
    event.data = std::move(data);
    return event;
}

} // namespace

TEST_CASE("every verb goes through the socket and comes back whole") {
    HttpBench http;
    auto& view = http.service.run_view;
    view.id = "0198";
    view.state = "failed";
    view.due = "2026-01-31T08:05:00Z";
    view.counts = {{"ok", 3}, {"failed", 1}};
    view.targets = 4;
    http.service.output_text = "grün \x1b[31m\n";
    auto& client = *http.client;
    const Caller nobody("user:ignored");
    RunRef ref;
    ref.id = "last";

    StartJob job;
    job.job = "a \"b\"";
    job.limit = "web[1-3]";
    const auto started = http.wait(client.start_job(nobody, job));
    REQUIRE(started.has_value());
    CHECK(to_json(*started) == to_json(view));
    StartExec exec;
    exec.targets = "db";
    exec.command = "echo 'x'";
    exec.port = 2222;
    exec.adhoc = true;
    exec.run_ms = 0;
    REQUIRE(http.wait(client.start_exec(nobody, exec)).has_value());
    CHECK(to_json(http.service.exec) == to_json(exec));
    CHECK(http.wait(client.cancel(nobody, ref))->state == "failed");
    CHECK(http.wait(client.run(ref))->due == view.due);
    RunsQuery runs;
    runs.job = "nightly & co";
    CHECK(http.wait(client.runs(runs))->next == "older");
    CHECK(http.wait(client.results(ref))->items[0].exit_status == 2);
    CHECK(http.wait(client.gathered(ref))->items[0].out == http.service.output_text);
    NodeRef node;
    node.id = "0198";
    node.node = "db 3";
    CHECK(http.wait(client.output(node))->result.node == "db 3");
    CHECK(http.wait(client.jobs({}))->items.size() == 1);
    NodesQuery targets;
    targets.targets = "@a!b";
    CHECK(http.wait(client.nodes(targets))->items[0].labels.at("role") == "db");
    // As long as any expression may be, which no target of a request holds.
    for (std::string list = "db1"; targets.targets.size() < 500'000;) targets.targets += "," + list;
    exec.targets = targets.targets;
    CHECK(http.wait(client.nodes(targets))->items.size() == 1);
    CHECK(http.wait(client.plan_exec(exec))->waves.size() == 1);
    CHECK(http.wait(client.next({}))->items.empty());
    CHECK(http.wait(client.catalog())->problems.size() == 1);
    CHECK(http.wait(client.reload(nobody)).has_value());

    const auto me = peer_name(::geteuid());
    CHECK(http.service.calls() ==
          std::vector<std::string>{"start_job " + me + " a \"b\" web[1-3]", "start_exec", "cancel last", "run last",
                                   "runs nightly & co 20", "results last", "gathered last", "output 0198 db 3", "jobs",
                                   "nodes @a!b", "nodes " + targets.targets, "plan_exec " + targets.targets, "next 1", "catalog", "reload " + me});
}

TEST_CASE("an error keeps its code and words through the socket") {
    HttpBench http;
    for (const auto code : {Errc::failed, Errc::usage, Errc::unavailable, Errc::denied, Errc::not_found, Errc::config,
                            Errc::conflict}) {
        http.service.error = Error{code, "because of \"this\""};
        CHECK((http.wait(http.client->jobs({})).error() == *http.service.error));
        CHECK((http.wait(http.client->watch(RunRef{"x"})).error() == *http.service.error));
    }
}

TEST_CASE("without a daemon the client says that none answers") {
    HttpBench http;
    http.close();
    const auto gone = http.wait(http.client->jobs({}));
    REQUIRE(gone.has_error());
    CHECK(gone.error().code == Errc::unavailable);
    CHECK(holds(gone.error().message, "no daemon answers on " + http.path));
    const auto client = create_http_service(socket_server(std::string(200, 'x')));
    CHECK(http.wait(client->jobs({})).error().code == Errc::config);
}

TEST_CASE("large replies and empty ones arrive whole") {
    HttpBench http;
    http.service.output_text = std::string(8 << 20, 'x') + "\n";
    RunRef ref;
    ref.id = "last";
    CHECK(http.wait(http.client->gathered(ref))->items[0].out == http.service.output_text);
}

TEST_CASE("events are streamed in order, and the stream ends with the run") {
    HttpBench http;
    http.service.told = {event_of(1, "snapshot", {{"id", "0198-full"}, {"text", "a\nb"}}),
                           event_of(2, "node.finished", {{"node", "db1"}}), event_of(3, "run.finished", {})};
    const auto read_all = [&]() -> awaitable<std::vector<Event>> {
        RunRef ref;
        ref.id = "last";
        auto stream = co_await http.client->watch(ref);
        std::vector<Event> events;
        while (stream) {
            auto event = co_await (*stream)->next();
            if (!event) break;
            events.push_back(std::move(*event));
        }
        co_return events;
    };
    const auto events = http.wait(read_all());
    REQUIRE(events.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(events[i].id == i + 1);
        CHECK(events[i].type == http.service.told[i].type);
        CHECK(events[i].data == http.service.told[i].data);
        CHECK(events[i].run == "0198-full");
    }
}

TEST_CASE("more events than the pump holds all arrive") {
    HttpBench http;
    for (std::uint64_t i = 0; i < 4 * limits::http_events_waiting; ++i)
        http.service.told.push_back(event_of(i, "node.finished", {{"text", std::string(500, 'x')}}));
    const auto reply = http.raw(get("/api/v1/runs/last/events"));
    std::size_t count = 0;
    for (auto at = reply.find("\nevent: "); at != std::string::npos; at = reply.find("\nevent: ", at + 1)) ++count;
    CHECK(count == http.service.told.size());
}

TEST_CASE("a quiet stream shows that it is alive, and a listener's close ends it") {
    HttpLimits times;
    times.heartbeat = std::chrono::milliseconds(20);
    HttpBench http(times);
    http.service.hold = true;
    asio::io_context context;
    {
        UnixSocket socket(context);
        socket.connect(asio::local::stream_protocol::endpoint(http.path));
        asio::write(socket, asio::buffer(get("/api/v1/runs/last/events")));
        std::string seen;
        while (!holds(seen, ": still here\n\n: still here\n\n")) {
            char bytes[512];
            seen.append(bytes, socket.read_some(asio::buffer(bytes)));
        }
        CHECK(begins(seen, "200"));
        CHECK(holds(seen, "Content-Type: text/event-stream\r\n"));
    }
    const auto close_at_once = [&]() -> awaitable<bool> {
        RunRef ref;
        ref.id = "last";
        auto stream = co_await http.client->watch(ref);
        (*stream)->close();
        auto event = co_await (*stream)->next();
        co_return !event;
    };
    CHECK(http.wait(close_at_once()));
    http.close();
    CHECK(http.service.streams_gone == 2);
}

TEST_CASE("closing the server ends event streams and idle connections") {
    HttpBench http;
    http.service.hold = true;
    http.service.told = {event_of(1, "snapshot", {})};
    asio::io_context context;
    UnixSocket idle(context), silent(context), watching(context);
    const asio::local::stream_protocol::endpoint address(http.path);
    for (auto* socket : {&idle, &silent, &watching}) socket->connect(address);
    asio::write(idle, asio::buffer(get("/healthz", "")));
    asio::write(watching, asio::buffer(get("/api/v1/runs/last/events")));
    char bytes[512];
    std::string seen;
    while (!holds(seen, "ok\n")) seen.append(bytes, idle.read_some(asio::buffer(bytes)));
    while (!holds(seen, "event: snapshot")) {
        seen.append(bytes, watching.read_some(asio::buffer(bytes)));
    }
    http.close();
    CHECK(::access(http.path.c_str(), F_OK) != 0);
    for (auto* socket : {&idle, &silent, &watching}) {
        std::string rest;
        error_code ec;
        asio::read(*socket, asio::dynamic_buffer(rest), ec);
        CHECK(ec == asio::error::eof);
    }
}

TEST_CASE("a listener is told what had happened before the server was closed") {
    HttpBench http;
    // More than a socket's buffer holds: the pump is in the middle of it.
    for (std::uint64_t i = 0; i < 4 * limits::http_events_waiting; ++i)
        http.service.told.push_back(event_of(i, "node.finished", {{"text", std::string(50'000, 'x')}}));
    asio::io_context context;
    UnixSocket watching(context), idle(context);
    for (auto* socket : {&watching, &idle}) socket->connect(asio::local::stream_protocol::endpoint(http.path));
    asio::write(watching, asio::buffer(get("/api/v1/runs/last/events")));
    std::string seen(64, '\0');
    asio::read(watching, asio::buffer(seen));
    std::thread closing([&http] { http.close(); });
    char byte = 0;
    error_code ec;
    idle.read_some(asio::buffer(&byte, 1), ec); // ends when the server closes
    asio::read(watching, asio::dynamic_buffer(seen), ec);
    closing.join();
    std::size_t count = 0;
    for (auto at = seen.find("\nevent: "); at != std::string::npos; at = seen.find("\nevent: ", at + 1)) ++count;
    CHECK(count == http.service.told.size());
}

TEST_CASE("requests that are wrong get a problem, not an effect") {
    HttpBench http;
    struct Row {
        const char* what;
        std::string request;
        const char *status, *says;
    };
    const Row rows[]{
        {"nothing there", get("/api/v1/nothing"), "404", "not_found"},
        {"the root", get("/"), "404", "not_found"},
        {"wrong method", post("/api/v1/jobs", ""), "405", "Allow: GET"},
        {"a method we never have", "DELETE /api/v1/runs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "405", "usage"},
        {"an unknown parameter", get("/api/v1/runs?jbo=x"), "400", "did you mean"},
        {"the path's own parameter", get("/api/v1/runs/x/nodes?id=y"), "400", "part of the path"},
        {"no JSON", post("/api/v1/runs", "job=x"), "400", "not JSON"},
        {"no UTF-8", post("/api/v1/runs", "{\"job\":\"\xff\"}"), "400", "not JSON"},
        {"an unknown member", post("/api/v1/runs", "{\"jbo\":\"x\"}"), "400", "did you mean"},
        {"a wrong type", post("/api/v1/runs", "{\"job\":1}"), "400", "wrong type"},
        {"a form", post("/api/v1/runs", "job=x", "application/x-www-form-urlencoded"), "415", "application/json"},
        {"a folded field", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "400", "folded"},
        {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400", "Length"},
        {"a dot segment", get("/api/v1/../v1/runs"), "400", "dot segment"},
        {"an endless head", "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'), "431", "too long"},
        {"an endless target", get("/" + std::string(9000, 'x')), "414", "too long"},
        {"a huge body announced",
         "POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n{",
         "413", "too long"},
        {"a broken chunk",
         "POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400", "malformed"},
        {"a chunk's line without an end",
         "POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=" + std::string(40'000, 'x'), "431", "too long"},
        {"a trailer without an end",
         "POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(40'000, 'x'), "431", "too long"},
        {"a caller in the trailer",
         "GET /api/v1/jobs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer x\r\n\r\n", "400", "after the body"},
        {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 11), "400", "usage"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        const auto reply = http.raw(row.request);
        CAPTURE(reply);
        CHECK(begins(reply, row.status));
        CHECK(holds(reply, "application/problem+json"));
        CHECK(holds(reply, row.says));
    }
    CHECK(http.service.calls().empty());
    CHECK(http.raw("GET / HT", true).empty());
    CHECK(http.raw("POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{", true).empty());
    CHECK(begins(http.raw(get("/healthz")), "200"));
}

TEST_CASE("a request without fields needs no body") {
    HttpBench http;
    CHECK(begins(http.raw(post("/api/v1/catalog/reload", "")), "200"));
    CHECK(begins(http.raw(post("/api/v1/runs/last/cancel", "", "text/plain")), "200"));
    CHECK(begins(http.raw(post("/api/v1/runs/last/cancel", "{}")), "200"));
    CHECK(begins(http.raw(post("/api/v1/runs/last/cancel", "[]")), "400"));
    CHECK(begins(http.raw(post("/api/v1/runs/last/cancel", "{\"id\":\"other\"}")), "400"));
    CHECK(http.service.calls().size() == 3);
}

TEST_CASE("an oversized chunked body is cut off at the bound") {
    HttpBench http;
    std::string request = "POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 40; ++i) request += "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
    CHECK(begins(http.raw(request + "0\r\n\r\n"), "413"));
}

TEST_CASE("one connection serves requests one after the other, pipelined too") {
    HttpBench http;
    const auto reply = http.raw(get("/healthz", "") + get("/api/v1/jobs", "") + get("/healthz"));
    CHECK(begins(reply, "200"));
    std::size_t replies = 0;
    for (auto at = reply.find("HTTP/1.1 200"); at != std::string::npos; at = reply.find("HTTP/1.1 200", at + 1)) ++replies;
    CHECK(replies == 3);
}

TEST_CASE("a client that is too slow is dropped") {
    HttpLimits times;
    times.header = times.body = times.idle = std::chrono::milliseconds(50);
    HttpBench http(times);
    CHECK(http.raw("").empty());
    CHECK(http.raw("GET / HTTP/1.1\r\nHost").empty());
    CHECK(http.raw("POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{").empty());
}

TEST_CASE("a client that reads nothing is dropped") {
    HttpLimits times;
    times.idle = std::chrono::milliseconds(50);
    HttpBench http(times);
    http.service.output_text = std::string(8 << 20, 'x');
    asio::io_context context;
    UnixSocket socket(context);
    socket.connect(asio::local::stream_protocol::endpoint(http.path));
    asio::write(socket, asio::buffer(get("/api/v1/runs/last/gathered")));
    // The server's own wait for the last session ends although the client stays.
    while (http.service.calls().empty()) std::this_thread::yield();
    http.close();
    SUCCEED();
}

TEST_CASE("connections above the bound are turned away, not queued") {
    HttpLimits times;
    times.connections = 1;
    HttpBench http(times);
    asio::io_context context;
    UnixSocket first(context);
    first.connect(asio::local::stream_protocol::endpoint(http.path));
    asio::write(first, asio::buffer(get("/healthz", "")));
    char bytes[512];
    REQUIRE(first.read_some(asio::buffer(bytes)) > 0);
    CHECK(begins(http.raw(""), "503"));
    CHECK(http.wait(http.client->jobs({})).error().code == Errc::unavailable);
}

TEST_CASE("an exception in a handler ends its connection, not the server") {
    HttpBench http;
    http.service.explode = true;
    CHECK(http.raw(get("/api/v1/catalog")).empty());
    CHECK(begins(http.raw(get("/api/v1/jobs")), "200"));
}

TEST_CASE("the socket file is private, and only a dead one is replaced") {
    HttpBench http;
    struct stat found {};
    REQUIRE(::stat(http.path.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0660);
    const auto second = http.start();
    REQUIRE(second.has_error());
    CHECK(second.error().code == Errc::conflict);
    CHECK(begins(http.raw(get("/healthz")), "200"));

    http.close();
    {
        asio::io_context context;
        UnixAcceptor dead(context, asio::local::stream_protocol::endpoint(http.path));
    }
    REQUIRE(::access(http.path.c_str(), F_OK) == 0);
    auto third = http.start();
    REQUIRE(third.has_value());
    http.server = std::move(*third);
    CHECK(begins(http.raw(get("/healthz")), "200"));
    http.close();

    std::FILE* file = std::fopen(http.path.c_str(), "w");
    REQUIRE(file);
    std::fclose(file);
    const auto no_socket = http.start();
    REQUIRE(no_socket.has_error());
    CHECK(no_socket.error().code == Errc::conflict);
    CHECK(::access(http.path.c_str(), F_OK) == 0);
}
