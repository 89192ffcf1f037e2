#include "core/run/engine_rig.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

/// The run once its note says so much.
RunView noted(EngineRig& rig, const RunView& run, const std::string& words) {
    RunRef ref;
    ref.id = run.id;
    RunView seen;
    do seen = rig.wait(rig.engine->run(ref)).value();
    while (seen.note.find(words) == std::string::npos);
    return seen;
}

} // namespace

TEST_CASE("a run that is overdue is told of and goes on") {
    EngineRig rig("  j: {command: x, targets: n01, expect: {finish_within: 1ms}}\n");
    rig.fleet.nodes["n01"].hold = true;
    const auto run = rig.start("j");
    const auto seen = noted(rig, run, "overdue");
    CHECK(seen.note == "overdue: not finished within 1ms");
    CHECK(seen.state == "running");
    rig.fleet.open();
    const auto ended = rig.end(run);
    CHECK(ended.state == "ok");
    CHECK(ended.note == seen.note);
}

TEST_CASE("a run that waits too long for another is told of, and of its end too") {
    EngineRig rig("  j: {command: x, targets: '@*', overlap: buffer_one, expect: {start_within: 1ms, finish_within: 1ms}}\n");
    rig.fleet.nodes["n01"].hold = true;
    const auto first = rig.start("j", "n01");
    rig.fleet.wait_for_holding(1);
    rig.fleet.nodes["n02"].hold = true;
    const auto second = rig.start("j", "n02");
    CHECK(noted(rig, second, "started").note == "overdue: not started within 1ms");
    rig.cancel(first);
    CHECK(noted(rig, second, "finished").note == "overdue: not started within 1ms; overdue: not finished within 1ms");
    rig.fleet.open();
    CHECK(rig.end(second).state == "ok");
}

TEST_CASE("an instant that starts too late is told of at once") {
    EngineRig rig("  j: {command: x, targets: n01, schedule: '@every 60s', expect: {start_within: 10s}}\n");
    rig.fleet.nodes["n01"].hold = true;
    rig.serve();
    rig.store.wait_for_schedule("j");
    rig.clock.move(std::chrono::seconds(90));
    rig.ring();
    const auto due = std::chrono::floor<std::chrono::minutes>(rig.clock.now());
    rig.store.wait_for_row("j", due);
    RunsQuery query;
    query.job = "j";
    const auto run = rig.wait(rig.engine->runs(query)).value().items.at(0);
    CHECK(noted(rig, run, "overdue").note == "overdue: not started within 10s");
    rig.fleet.open();
    rig.end(run);
}
