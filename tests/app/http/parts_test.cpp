#include "app/http/parameters.hpp"
#include "app/http/peer.hpp"
#include "app/http/problem.hpp"
#include "app/http/router.hpp"
#include "app/http/sse.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"

#include <set>

using namespace loom;

TEST_CASE("a path finds its route, and the wrong method is told the right one") {
    const auto run = find_route("GET", "/api/v1/runs/0198%20a");
    REQUIRE(run.route);
    CHECK(run.route->scope == AccessScope::read);
    CHECK(run.path == Parameters{{"id", "0198 a"}});
    CHECK(find_route("POST", "/api/v1/runs/x/cancel").route->scope == AccessScope::operate);
    CHECK(find_route("POST", "/api/v1/catalog/reload").route->scope == AccessScope::admin);
    CHECK(find_route("DELETE", "/api/v1/runs").allow == "GET, POST");
    CHECK(find_route("GET", "/api/v1/exec").allow == "POST");
    for (const char* path : {"/", "/api/v1", "/api/v1/", "/api/v1/runs/", "/api/v1/runs/a/b", "/api/v2/runs", "/runs",
                             "/api/v1/runs/x/events/"}) {
        CAPTURE(path);
        CHECK(!find_route("GET", path).route);
    }
}

TEST_CASE("every route is one of its kind") {
    std::set<std::pair<std::string_view, std::string>> seen;
    for (const auto& route : http_routes()) {
        CHECK(seen.emplace(to_string(route.method), route.pattern).second);
        CHECK(route.pattern.starts_with("/api/v1/"));
    }
    CHECK(seen.size() == 37);
}

TEST_CASE("a request survives the way through a query") {
    RunsQuery query;
    query.job = "nightly & weekly=100%+";
    query.limit = 7;
    const auto parameters = parse_query(to_query(to_parameters(query)));
    REQUIRE(parameters.has_value());
    const auto back = from_parameters<RunsQuery>(*parameters);
    REQUIRE(back.has_value());
    CHECK(back->job == query.job);
    CHECK(back->limit == 7);
    CHECK(to_parameters(RunsQuery{}).empty());

    NodeRef ref;
    ref.id = "a/b";
    ref.node = "db 3";
    auto left = to_parameters(ref);
    CHECK(fill_path("/runs/{id}/output", left) == "/runs/a%2Fb/output");
    CHECK(left == Parameters{{"node", "db 3"}});
}

TEST_CASE("unknown, doubled and ill-typed parameters are refused by name") {
    CHECK(from_parameters<RunsQuery>({{"stat", "ok"}}).error().message ==
          "unknown parameter \"stat\" (did you mean \"state\"?)");
    for (const char* text : {"", "x", "-1", "1x", "4294967296"})
        CHECK(from_parameters<RunsQuery>({{"limit", text}}).error().code == Errc::usage);
    CHECK(parse_query("a=1&a=2").error().message == "parameter \"a\" comes twice");
}

TEST_CASE("each code has its status, and comes back from it") {
    const std::pair<Errc, unsigned> rows[]{{Errc::usage, 400},  {Errc::denied, 403},      {Errc::not_found, 404},
                                           {Errc::conflict, 409}, {Errc::config, 422},    {Errc::failed, 500},
                                           {Errc::unavailable, 503}};
    for (const auto& [code, status] : rows) {
        CHECK(http_status(code) == status);
        const auto error = problem_error(status, problem_body(status, code, "why \"so\" \xff"));
        CHECK(error.code == code);
        CHECK(error.message == "why \"so\" \\xff");
        CHECK(problem_error(status, "").code == code);
    }
    CHECK(problem_error(415, "<html>").code == Errc::usage);
    CHECK(problem_error(502, "[]").code == Errc::unavailable);
}

TEST_CASE("root, the daemon's user and the group's members are let in, nobody else") {
    PeerRule rule;
    rule.own_uid = 500;
    const auto peer = [](uid_t uid, std::vector<gid_t> groups) {
        Peer made;
        made.uid = uid;
        made.groups = std::move(groups);
        return made;
    };
    CHECK(admits(rule, peer(0, {0})));
    CHECK(admits(rule, peer(500, {500})));
    CHECK(!admits(rule, peer(501, {500, 20})));
    CHECK(!admits(rule, peer(501, {})));
    rule.group = 20;
    CHECK(admits(rule, peer(501, {501, 7, 20})));
    CHECK(!admits(rule, peer(501, {501, 7})));
}

TEST_CASE("event frames are read whatever pieces they come in") {
    Event event;
    event.id = 42;
    event.type = "node.finished";
    event.data = {{"node", "db1"}, {"message", "two\nlines"}};
    const auto text = ": hello\n\n" + to_sse(event) + "retry: 3\r\n\r\n" + to_sse(event);
    for (std::size_t piece = 1; piece < text.size(); ++piece) {
        SseReader reader;
        for (std::size_t at = 0; at < text.size(); at += piece) REQUIRE(reader.feed(text.substr(at, piece)));
        for (int i = 0; i < 2; ++i) {
            const auto read = reader.take();
            REQUIRE(read);
            CHECK(read->id == 42);
            CHECK(read->type == "node.finished");
            CHECK(read->data == event.data);
        }
        CHECK(!reader.take());
    }
}

TEST_CASE("a spoiled event stream stays spoiled") {
    SseReader no_json;
    CHECK(!no_json.feed("data: {\n\n"));
    CHECK(!no_json.feed("data: {}\n\n"));
    CHECK(!no_json.take());
    SseReader no_object;
    CHECK(!no_object.feed("data: []\n\n"));
    SseReader endless;
    CHECK(endless.feed(std::string(limits::http_event_bytes, 'x')));
    CHECK(!endless.feed("x"));
    SseReader endless_data;
    CHECK(endless_data.feed("data: " + std::string(limits::http_event_bytes - 10, 'x') + "\n"));
    CHECK(!endless_data.feed("data: " + std::string(100, 'x') + "\n"));
}
