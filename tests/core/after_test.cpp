#include "core/config/catalog_builder.hpp"
#include "core/schedule/after.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using namespace std::chrono_literals;
using Kind = AfterPlan::Kind;
using When = After::When;

const Instant noon = parse_instant("2026-01-31 12:00").value();

Job follower(std::vector<After> after) {
    Job job;
    job.name = "report";
    job.policy->after = std::move(after);
    return job;
}

Upstream ended(std::string job, RunState state, Instant at = noon) { return {"report", "run-" + job, job, state, at}; }

} // namespace

TEST_CASE("a job follows once each of those that it follows has ended") {
    const auto job = follower({{"a", When::success}, {"b", When::success}});
    CHECK(decide_after(job, {}, noon) == AfterPlan{});
    CHECK(decide_after(job, {ended("b", RunState::ok)}, noon) == AfterPlan{});
    CHECK(decide_after(job, {ended("b", RunState::ok), ended("a", RunState::ok)}, noon) ==
          AfterPlan{Kind::fire, {"run-a", "run-b"}, ""});
    CHECK(decide_after(Job{}, {ended("a", RunState::ok)}, noon) == AfterPlan{});
}

TEST_CASE("how a run must have ended to be followed") {
    struct Row {
        RunState state;
        bool success, failure;
    };
    const auto row = GENERATE(values<Row>({{RunState::ok, true, false},
                                           {RunState::failed, false, true},
                                           {RunState::timed_out, false, true},
                                           {RunState::cancelled, false, true},
                                           {RunState::interrupted, false, true},
                                           {RunState::skipped, false, false}}));
    const auto kind = [&](When when) {
        return decide_after(follower({{"a", when}}), {ended("a", row.state)}, noon).kind;
    };
    CAPTURE(to_string(row.state));
    CHECK(kind(When::success) == (row.success ? Kind::fire : Kind::unmet));
    CHECK(kind(When::failure) == (row.failure ? Kind::fire : Kind::unmet));
    CHECK(kind(When::always) == Kind::fire);
    CHECK(decide_after(follower({{"b", When::always}, {"a", When::success}}),
                       {ended("a", RunState::failed), ended("b", RunState::failed)}, noon)
              .why == "run run-a of job \"a\" ended failed (after: success)");
}

TEST_CASE("a paused job does not follow, and says so where it would have") {
    const auto job = follower({{"a", When::success}});
    Pause pause;
    pause.since = noon - 1h;
    pause.until = noon + 1h;
    pause.by = "user:anna";
    pause.reason = "the disk is full";
    const auto pauses = std::make_shared<const std::vector<Pause>>(1, pause);
    CHECK(decide_after(job, {ended("a", RunState::ok)}, noon, pauses) ==
          AfterPlan{Kind::paused, {"run-a"}, "paused since 2026-01-31T11:00:00Z by user:anna: the disk is full"});
    CHECK(decide_after(job, {ended("a", RunState::failed)}, noon, pauses).kind == Kind::unmet);
    CHECK(decide_after(job, {ended("a", RunState::ok)}, noon + 1h, pauses).kind == Kind::fire);
}

TEST_CASE("what ended too long ago is missed, as an instant of a schedule is") {
    auto job = follower({{"a", When::success}, {"b", When::success}});
    const std::vector<Upstream> runs{ended("a", RunState::ok, noon - 5h), ended("b", RunState::ok)};
    CHECK(decide_after(job, runs, noon + 1h).kind == Kind::fire);
    const auto plan = decide_after(job, runs, noon + 1h + 1s);
    CHECK(plan.kind == Kind::missed);
    CHECK(plan.why == "what it follows had ended 1h00m before, beyond the catch-up window of 1h00m");
    job.policy->catch_up = CatchUp::skip;
    CHECK(decide_after(job, runs, noon + 1min).kind == Kind::fire);
    CHECK(decide_after(job, runs, noon + 2min).kind == Kind::missed);
}

namespace {

std::string problems_with(const std::string& a, const std::string& b = {}, const std::string& c = {}) {
    return tests::problems_of(tests::catalog_texts(fmt::format("jobs:\n  a: {{command: x, targets: web1, {}}}\n"
                                                               "  b: {{command: x, targets: web1, {}}}\n"
                                                               "  c: {{command: x, targets: web1, {}}}\n",
                                                               a.empty() ? "schedule: '@daily'" : a,
                                                               b.empty() ? "schedule: '@daily'" : b,
                                                               c.empty() ? "schedule: '@daily'" : c)));
}

} // namespace

TEST_CASE("a job names those that it follows in three ways") {
    const auto read = [](const std::string& after) {
        const auto catalog = build_catalog(tests::catalog_texts("jobs:\n  a: {command: x, targets: web1}\n"
                                                                "  b: {command: x, targets: web1}\n"
                                                                "  c: {command: x, targets: web1, after: " +
                                                                after + "}\n"))
                                 .value();
        std::string text;
        for (const auto& one : catalog->find_job("c")->policy->after) text += fmt::format("{} {}\n", one.job, to_string(one.when));
        CHECK(catalog->followers_of("a") == std::vector<std::string>{"c"});
        CHECK(catalog->followers_of("c").empty());
        return text;
    };
    CHECK(read("a") == "a success\n");
    CHECK(read("[b, a]") == "b success\na success\n");
    CHECK(read("{a: failure, b: always}") == "a failure\nb always\n");
}

TEST_CASE("a job that follows others needs no schedule and may have one") {
    CHECK(problems_with("after: b") == "");
    CHECK(problems_with("after: b, schedule: '@daily'") == "");
}

TEST_CASE("a job that follows one which cannot run is warned of") {
    CHECK(problems_with("comand: y", "after: a", "after: b") ==
          "jobs/web.yaml:2:34: unknown key \"comand\" (did you mean \"command\"?)\n"
          "jobs/web.yaml:3:3: after: job \"a\" is quarantined, so this one does not start after it\n");
    auto texts = tests::catalog_texts("jobs:\n  a: {task: other, targets: web1, schedule: '@daily'}\n"
                                      "  b: {task: t, targets: web1, after: a}\n");
    texts.check_task = [](const TaskSpec& task, const Plugins&) -> Result<void> {
        if (task.name == "other") return Error{Errc::unavailable, "not built in"};
        return {};
    };
    CHECK(tests::problems_of(texts) == "jobs/web.yaml:2:13: not built in\n"
                                       "jobs/web.yaml:3:3: after: job \"a\" is unavailable, so this one does not start after it\n");
}

TEST_CASE("names that no job has, and circles, are told where they stand") {
    CHECK(problems_with("after: [b, bb]") == "jobs/web.yaml:2:45: after: there is no job \"bb\" (did you mean \"b\"?)\n");
    CHECK(problems_with("after: a") == "jobs/web.yaml:2:41: after: jobs follow each other in a circle: a -> a\n");
    const auto circle = problems_with("after: b", "after: {c: always}", "after: [a]");
    CHECK(circle == "jobs/web.yaml:2:41: after: jobs follow each other in a circle: a -> b -> c -> a\n"
                    "jobs/web.yaml:3:42: after: jobs follow each other in a circle: a -> b -> c -> a\n"
                    "jobs/web.yaml:4:42: after: jobs follow each other in a circle: a -> b -> c -> a\n");
    // One that follows a circle is not part of it.
    CHECK(problems_with("after: a", "after: a") ==
          "jobs/web.yaml:2:41: after: jobs follow each other in a circle: a -> a\n"
          "jobs/web.yaml:3:3: after: job \"a\" is quarantined, so this one does not start after it\n");
    CHECK(problems_with("after: [b, b]") == "jobs/web.yaml:2:45: after: \"b\" is named twice\n");
    CHECK(problems_with("after: {b: succes}") ==
          "jobs/web.yaml:2:45: after: expected one of success, failure, always, not \"succes\" (did you mean \"success\"?)\n");
}

} // namespace loom
