#include "core/base/utf8.hpp"
#include "core/run/json.hpp"
#include "core/run/to_views.hpp"
#include "support/catch.hpp"

namespace loom {

TEST_CASE("UTF-8 is decoded as RFC 3629 has it, everything else byte by byte") {
    const std::pair<std::string, std::string> rows[]{
        {"", ""},
        {"plain\n\x1b", "plain\n\x1b"},
        {"gr\xc3\xbcn \xe6\x97\xa5 \xf0\x9f\x98\x80", "gr\xc3\xbcn \xe6\x97\xa5 \xf0\x9f\x98\x80"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, // past U+10FFFF
        {"\xed\x9f\xbf\xed\xa0\x80", "\xed\x9f\xbf\\xed\\xa0\\x80"}, // the first surrogate
        {"\xc1\xbf\xe0\x9f\xbf\xf0\x8f\xbf\xbf", "\\xc1\\xbf\\xe0\\x9f\\xbf\\xf0\\x8f\\xbf\\xbf"}, // overlong
        {"a\x80z\xff", "a\\x80z\\xff"},
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xe2\x28\xa1", "\\xe2(\\xa1"},
    };
    for (const auto& [bytes, shown] : rows) CHECK(valid_utf8(bytes) == shown);
}

TEST_CASE("a run's view has its counts without zeroes, and they sum up to the targets") {
    Run run;
    run.id = "0198";
    run.job = "backup";
    run.reason = Reason::cron;
    run.by = "schedule";
    run.state = RunState::failed;
    run.due = Instant(std::chrono::seconds(1'769'846'700));
    run.started = *run.due + std::chrono::milliseconds(250);
    run.target_count = 3;
    run.counts[static_cast<std::size_t>(NodeState::ok)] = 2;
    run.counts[static_cast<std::size_t>(NodeState::unreachable)] = 1;
    const auto view = to_view(run);
    CHECK(view.due == "2026-01-31T08:05:00Z");
    CHECK(view.started == "2026-01-31T08:05:00.250Z");
    CHECK(!view.finished);
    CHECK(view.state == "failed");
    CHECK(view.reason == "cron");
    CHECK(view.targets == 3);
    CHECK(view.counts == std::map<std::string, std::uint32_t>{{"ok", 2}, {"unreachable", 1}});
    const auto back = from_json<RunView>(boost::json::parse(boost::json::serialize(to_json(view))));
    REQUIRE(back.has_value());
    CHECK(to_json(*back) == to_json(view));
}

TEST_CASE("whatever bytes a node wrote, its views are JSON that can be read again") {
    NodeResult result;
    result.node = "db1";
    result.outcome.state = NodeState::unreachable;
    result.outcome.cause = Cause::host_key;
    result.outcome.phase = Phase::host_key;
    result.outcome.message = "bad \xff";
    result.outcome.out = {"a\xc3", 7};
    result.outcome.err.text = std::string("\0\x1b", 2);
    result.attempts = 2;
    const auto view = to_output_view(result);
    CHECK(view.result.cause == "host_key");
    CHECK(view.result.message == "bad \\xff");
    CHECK(view.out == "a\\xc3");
    CHECK(view.err == std::string("\0\x1b", 2));
    CHECK(view.out_dropped == 7);
    const auto back = from_json<NodeOutputView>(boost::json::parse(boost::json::serialize(to_json(view))));
    REQUIRE(back.has_value());
    CHECK(to_json(*back) == to_json(view));

    OutputGroup group;
    group.nodes = {"db1", "db2", "db3"};
    group.outcome = result.outcome;
    const auto shown = to_view(group);
    CHECK(shown.nodes == "db[1-3]");
    CHECK(shown.count == 3);
    CHECK(shown.out == "a\\xc3");
}

TEST_CASE("what did not happen has an empty word") {
    NodeResult result;
    result.outcome.state = NodeState::ok;
    result.outcome.exit_status = 0;
    const auto view = to_view(result);
    CHECK(view.cause.empty());
    CHECK(view.phase.empty());
    CHECK(view.exit_status == 0);
}

TEST_CASE("a node's view says that there is a password, never which") {
    Node node;
    node.name = "db1";
    node.password = Secret("hunter2");
    node.vars["token"] = "hunter2";
    const auto view = to_view(node);
    CHECK(view.password);
    CHECK(boost::json::serialize(to_json(view)).find("hunter2") == std::string::npos);
    Problem problem;
    problem.kind = Problem::Kind::quarantined;
    problem.place = "jobs/a.yaml:1:2";
    CHECK(to_view(problem).kind == "quarantined");
}

} // namespace loom
