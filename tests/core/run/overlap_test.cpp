#include "core/base/limits.hpp"
#include "core/run/engine_rig.hpp"
#include "support/catch.hpp"
#include "support/store_records.hpp"

#include <future>

using namespace loom;
using namespace loom::tests;

namespace {

using Nodes = std::map<std::string, std::uint32_t>;
using Names = std::vector<std::string>;

std::string job(const std::string& overlap) { return "  j: {command: x, targets: '@*', overlap: " + overlap + "}\n"; }

/// A run of `j` on n01 that goes on until the fleet opens.
RunView held(EngineRig& rig) {
    rig.fleet.nodes["n01"].hold = true;
    auto run = rig.start("j", "n01");
    rig.fleet.wait_for_holding(1);
    return run;
}

RunView now(EngineRig& rig, const RunView& run) {
    RunRef ref;
    ref.id = run.id;
    return rig.wait(rig.engine->run(ref)).value();
}

Result<RunView> try_start(EngineRig& rig) {
    StartJob request;
    request.job = "j";
    return rig.wait(rig.engine->start_job(Caller("user:anna"), request));
}

} // namespace

TEST_CASE("under skip a second run is refused with the name of the first") {
    EngineRig rig(job("skip"));
    const auto first = held(rig);
    const auto second = try_start(rig);
    REQUIRE(second.has_error());
    CHECK(second.error() ==
          Error{Errc::conflict, "job \"j\" is running already: run " + first.id + " has not ended (overlap: skip)"});
    rig.fleet.open();
    CHECK(rig.end(first).state == "ok");
    CHECK(rig.run("j").state == "ok");
}

TEST_CASE("under buffer_one the newest run waits for the one that goes on") {
    EngineRig rig(job("buffer_one"));
    const auto first = held(rig), second = rig.start("j"), third = rig.start("j", "n[02-03]");
    CHECK(second.state == "waiting");
    CHECK(second.message == "waits for run " + first.id + " (overlap: buffer_one)");
    CHECK(second.counts == Nodes{{"queued", 10}});
    const auto replaced = rig.end(second);
    CHECK(replaced.state == "skipped");
    CHECK(replaced.message == "run " + third.id + " takes its place (overlap: buffer_one)");
    CHECK(replaced.counts == Nodes{{"not_started", 10}});
    CHECK(now(rig, third).state == "waiting");
    rig.fleet.open();
    CHECK(rig.end(first).state == "ok");
    const auto ended = rig.end(third);
    CHECK(ended.state == "ok");
    CHECK(ended.message.empty());
    CHECK(rig.fleet.dialled().size() == 3);
}

TEST_CASE("under buffer_all runs begin one after the other, in their order") {
    EngineRig rig(job("buffer_all"));
    std::vector<RunView> runs{held(rig)};
    for (const auto* node : {"n03", "n02", "n04"}) runs.push_back(rig.start("j", node));
    CHECK(runs.back().message == "waits for run " + runs[2].id + " (overlap: buffer_all)");
    rig.fleet.open();
    for (const auto& run : runs) CHECK(rig.end(run).state == "ok");
    CHECK(rig.fleet.dialled() == Names{"n01", "n03", "n02", "n04"});
}

TEST_CASE("under cancel_other the run that goes on ends and names the one that takes its place") {
    EngineRig rig(job("cancel_other"));
    const auto first = held(rig), second = rig.start("j", "n02");
    const auto ended = rig.end(first);
    CHECK(ended.state == "cancelled");
    CHECK(ended.message == "run " + second.id + " takes its place (overlap: cancel_other)");
    CHECK(ended.counts == Nodes{{"cancelled", 1}});
    CHECK(rig.end(second).state == "ok");
}

TEST_CASE("a run that waits can be cancelled, and those behind it go on") {
    EngineRig rig(job("buffer_all"));
    const auto first = held(rig), second = rig.start("j"), third = rig.start("j", "n02");
    rig.cancel(second);
    const auto ended = rig.end(second);
    CHECK(ended.state == "cancelled");
    CHECK(ended.message == "cancelled");
    CHECK(ended.counts == Nodes{{"not_started", 10}});
    CHECK(now(rig, first).state == "running");
    rig.fleet.open();
    CHECK(rig.end(third).state == "ok");
}

TEST_CASE("a run that waits when Loom stops ends with nothing started") {
    EngineRig rig(job("buffer_one"));
    const auto first = held(rig), second = rig.start("j");
    rig.wait(rig.engine->end(StopReason::shutdown));
    CHECK(now(rig, first).state == "interrupted");
    const auto ended = now(rig, second);
    CHECK(ended.state == "interrupted");
    CHECK(ended.counts == Nodes{{"not_started", 10}});
}

TEST_CASE("a run waits for one of another process too") {
    EngineRig rig(job("buffer_one"));
    records::put(rig.store, records::created(records::make_run("0000-other", "j")));
    const auto run = rig.start("j");
    CHECK(run.state == "waiting");
    records::put(rig.store, RunFinished{"0000-other", RunState::ok, records::at(1), ""});
    CHECK(rig.end(run).state == "ok");
}

TEST_CASE("a retry waits as any other run of its job") {
    EngineRig rig(job("buffer_one"));
    rig.fleet.nodes["n02"].exits = {1, 0};
    const auto failed = rig.run("j");
    CHECK(failed.state == "failed");
    const auto first = held(rig);
    const auto again = rig.retry(failed.id).value();
    CHECK(again.state == "waiting");
    rig.fleet.open();
    CHECK(rig.end(again).state == "ok");
}

TEST_CASE("with scope node free nodes go ahead, and busy ones are skipped with the name of the run that has them") {
    EngineRig rig(job("{policy: skip, scope: node}"));
    const auto first = held(rig), second = rig.run("j");
    CHECK(second.state == "ok");
    CHECK(second.counts == Nodes{{"ok", 9}, {"skipped", 1}});
    CHECK(rig.results(second)[0].message == "run " + first.id + " has not ended here (overlap: skip)");
    rig.fleet.open();
    CHECK(rig.end(first).state == "ok");
    CHECK(rig.fleet.dialled().size() == 10);
}

TEST_CASE("with scope node busy nodes wait inside the new run") {
    EngineRig rig(job("{policy: buffer_all, scope: node}"));
    const auto first = held(rig), second = rig.start("j", "n[01-03]");
    CHECK(second.state == "running");
    rig.end(rig.start("j", "n[04-05]"));
    while (now(rig, second).counts.count("ok") == 0 || now(rig, second).counts.at("ok") < 2) {}
    CHECK(now(rig, second).counts == Nodes{{"ok", 2}, {"queued", 1}});
    rig.fleet.open();
    CHECK(rig.end(first).state == "ok");
    CHECK(rig.end(second).counts == Nodes{{"ok", 3}});
}

TEST_CASE("with scope node the newest run takes the place of one that waits for a node") {
    EngineRig rig(job("{policy: buffer_one, scope: node}"));
    const auto first = held(rig), second = rig.start("j", "n01"), third = rig.start("j", "n01");
    const auto replaced = rig.end(second);
    CHECK(replaced.counts == Nodes{{"skipped", 1}});
    CHECK(rig.results(second)[0].message == "run " + third.id + " takes its place (overlap: buffer_one)");
    rig.fleet.open();
    CHECK(rig.end(first).state == "ok");
    CHECK(rig.end(third).counts == Nodes{{"ok", 1}});
}

TEST_CASE("with scope node a busy node alone is cancelled for the new run") {
    EngineRig rig(job("{policy: cancel_other, scope: node}"));
    rig.fleet.nodes["n02"].hold = true;
    const auto first = held(rig); // on n01
    const auto other = rig.start("j", "n02");
    const auto third = rig.start("j", "n01");
    CHECK(rig.end(first).counts == Nodes{{"cancelled", 1}});
    CHECK(rig.results(first)[0].message == "run " + third.id + " takes its place (overlap: cancel_other)");
    CHECK(now(rig, other).state == "running");
    rig.fleet.open();
    CHECK(rig.end(third).state == "ok");
    CHECK(rig.end(other).state == "ok");
}

TEST_CASE("a run that waits begins nothing once Loom is told to end, and what goes on has its time") {
    EngineRig rig(job("buffer_all"));
    const auto first = held(rig), second = rig.start("j");
    const StopToken hurry;
    auto settled = std::async(std::launch::async, [&] { rig.wait(rig.engine->settle(std::chrono::minutes(10), hurry)); });
    const auto ended = rig.end(second);
    CHECK(ended.state == "interrupted");
    CHECK(ended.counts == Nodes{{"not_started", 10}});
    CHECK(now(rig, first).state == "running");
    rig.fleet.open();
    settled.get();
    CHECK(now(rig, first).state == "ok");
}

TEST_CASE("a run that waits waits on while Loom drains, and begins when that is undone") {
    EngineRig rig(job("buffer_all"));
    const auto first = held(rig), second = rig.start("j");
    DrainRequest request;
    REQUIRE(rig.wait(rig.engine->drain(Caller("user:anna"), request)).has_value());
    rig.fleet.open();
    CHECK(rig.end(first).state == "ok");
    CHECK(now(rig, second).state == "waiting");
    request.undo = true;
    REQUIRE(rig.wait(rig.engine->drain(Caller("user:anna"), request)).has_value());
    CHECK(rig.end(second).state == "ok");
}
