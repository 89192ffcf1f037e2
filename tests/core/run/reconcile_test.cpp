#include "core/run/reconcile.hpp"

#include "core/base/log.hpp"
#include "core/run/engine_rig.hpp"
#include "core/run/retry.hpp"
#include "core/run/scheduler.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

using Nodes = std::map<std::string, std::uint32_t>;

std::string job(const std::string& keys) { return "  j: {command: 'echo {{ run.id }}', targets: '@*', " + keys + "}\n"; }

CatalogPtr catalog(const std::string& keys) { return build_catalog(catalog_texts("jobs:\n" + job(keys), "n1:\nn2:\nn3:\n")).value(); }

/// A run of the job in flight: n1 has ended, n2 runs, n3 waits; n9 is no node any more.
LostRun lost_run(const CatalogPtr& of) {
    LostRun lost;
    lost.run.id = "018c-aaaa";
    lost.run.job = "j";
    lost.run.task = "echo";
    lost.run.due = Instant(std::chrono::seconds(60));
    lost.run.claim = "60000";
    const std::pair<const char*, NodeState> nodes[] = {
        {"n1", NodeState::ok}, {"n2", NodeState::running}, {"n3", NodeState::queued}, {"n9", NodeState::queued}};
    for (const auto& [name, state] : nodes) {
        NodeResult result;
        result.node = name;
        result.outcome.state = state;
        lost.results.push_back(result);
    }
    lost.run.spec = freeze(plan_of(*of->find_job("j"), of, {"n1"}));
    return lost;
}

std::vector<std::string> names(const Firing& firing) {
    std::vector<std::string> names;
    for (const auto* node : firing.plan.nodes) names.push_back(node->name);
    return names;
}

/// The process dies with two nodes in flight and eight waiting.
RunView die(EngineRig& rig) {
    for (const auto* name : {"n01", "n02"}) rig.fleet.nodes[name].hold = true;
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(2);
    rig.crash();
    return run;
}

} // namespace

TEST_CASE("a lost run is run again on what it left open, where its job says so") {
    const auto rerun = catalog("on_lost: rerun");
    auto waiting = lost_run(rerun);
    waiting.run.state = RunState::waiting;
    CHECK(rerun_of(rerun, waiting)->waits);
    const auto firing = rerun_of(rerun, lost_run(rerun));
    REQUIRE(firing);
    CHECK_FALSE(firing->waits);
    CHECK(firing->reason == Reason::rerun);
    CHECK(firing->of == "018c-aaaa");
    CHECK(firing->due == Instant(std::chrono::seconds(60)));
    CHECK_FALSE(firing->claim);
    CHECK(firing->job == "j");
    CHECK(names(*firing) == std::vector<std::string>{"n2", "n3"});

    const auto fail = catalog("on_lost: fail");
    CHECK_FALSE(rerun_of(fail, lost_run(fail)));
    const auto unsaid = catalog("on_empty: fail");
    CHECK_FALSE(rerun_of(unsaid, lost_run(unsaid)));
}

TEST_CASE("a lost run is not run again where nothing is left of it, or where it was lost too often") {
    const auto rerun = catalog("on_lost: rerun");
    auto lost = lost_run(rerun);
    lost.reruns = 2;
    CHECK(rerun_of(rerun, lost));
    lost.reruns = 3;
    CHECK_FALSE(rerun_of(rerun, lost));

    lost = lost_run(rerun);
    lost.run.job = "gone";
    CHECK_FALSE(rerun_of(rerun, lost));
    lost = lost_run(rerun);
    for (auto& result : lost.results) result.outcome.state = NodeState::failed;
    CHECK_FALSE(rerun_of(rerun, lost));
    lost = lost_run(rerun);
    lost.run.spec.clear(); // of an old version
    CHECK_FALSE(rerun_of(rerun, lost));
}

TEST_CASE("the next start ends what a crash left behind, and runs it again where the job says so") {
    const std::string keys = "limits: {parallel: 2}, overlap: skip, ";
    EngineRig fail(job(keys + "on_lost: fail"));
    const auto left = die(fail);
    CHECK(fail.wait(fail.engine->reconcile()).value() == 1);
    CHECK(fail.end(left).counts == Nodes{{"interrupted", 2}, {"not_started", 8}});
    CHECK(fail.store.runs({}).value().size() == 1);

    EngineRig rerun(job(keys + "on_lost: rerun"));
    const auto lost = die(rerun);
    rerun.fleet.open();
    CHECK(rerun.wait(rerun.engine->reconcile()).value() == 1);
    CHECK(rerun.end(lost).counts == Nodes{{"interrupted", 2}, {"not_started", 8}});
    const auto both = rerun.store.runs({}).value();
    REQUIRE(both.size() == 2);
    RunView again;
    again.id = both[both[0].id == lost.id ? 1 : 0].id;
    again = rerun.end(again);
    CHECK(again.of == lost.id);
    CHECK(again.reason == "rerun");
    CHECK(again.counts == Nodes{{"ok", 10}});
    CHECK(rerun.wait(rerun.engine->reconcile()).value() == 0);
}

TEST_CASE("a run that is lost again and again is run again three times") {
    EngineRig rig(job("limits: {parallel: 2}, on_lost: rerun"));
    die(rig);
    for (int death = 1; death <= 5; ++death) {
        rig.wait(rig.engine->reconcile()).value();
        if (death <= 3) rig.fleet.wait_for_holding(2);
        rig.crash();
    }
    CHECK(rig.store.runs({}).value().size() == 4);
    CHECK(rig.store.orphans().value().empty());
}

TEST_CASE("what is told of a run that a crash left behind names its job") {
    static std::vector<std::string> told;
    told.clear();
    const auto before = set_log_output([](const LogLine& line) {
        if (line.level == LogLevel::warning) told.push_back(fmt::format("{} {}: {}", line.about.run, line.about.job, line.text));
    });
    std::string id;
    {
        EngineRig rig("  j: {command: x, targets: '@*'}\n");
        id = die(rig).id;
        CHECK(rig.wait(rig.engine->reconcile()).value() == 1);
    }
    set_log_output(before);
    CHECK(told == std::vector<std::string>{id + " j: left behind by a process that died: it ends interrupted"});
}
