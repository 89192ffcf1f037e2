#include "core/run/engine_rig.hpp"
#include "core/model/nodeset.hpp"
#include "support/catch.hpp"

#include <thread>

using namespace loom;
using namespace loom::tests;
using namespace std::chrono;

namespace {

const Instant nine = parse_instant("2026-01-31 09:00").value();

/// An hourly job on two nodes, of which n02 refuses as often as said, and one by hand on both.
std::unique_ptr<EngineRig> rig_without_n02(std::size_t refusals, const std::string& keys = "catchup: {nodes: true}") {
    auto rig = std::make_unique<EngineRig>("  hourly: {command: x, targets: 'n[01-02]', schedule: {cron: '0 * * * *', tz: UTC}, " + keys +
                                           "}\n  other: {command: y, targets: 'n[01-02]'}\n");
    rig->fleet.nodes["n02"].refusals.assign(refusals, unreached(Cause::refused));
    rig->serve();
    rig->store.wait_for_schedule("hourly");
    rig->clock.move(minutes(55));
    rig->ring();
    rig->store.wait_for_row("hourly", nine);
    return rig;
}

std::vector<RunView> runs_of(EngineRig& rig, const std::string& reason) {
    RunsQuery query;
    query.job = "hourly";
    auto runs = rig.wait(rig.engine->runs(query)).value().items;
    std::erase_if(runs, [&](const auto& run) { return run.reason != reason; });
    return runs;
}

} // namespace

TEST_CASE("a node that was unreachable gets its own run once it is back") {
    const auto rig = rig_without_n02(3);
    const auto missed = rig->end(runs_of(*rig, "cron").at(0));
    CHECK(missed.counts == std::map<std::string, std::uint32_t>{{"ok", 1}, {"unreachable", 1}});
    rig->store.wait_for_left_out("hourly");
    for (std::size_t dials = 2; dials <= 4; ++dials) { // the third look finds it, and the run goes there once more
        rig->clock.move(look_again_after(static_cast<int>(dials) - 2));
        rig->ring();
        rig->fleet.wait_for_dials("n02", dials);
        rig->ring();
    }
    auto made_up = runs_of(*rig, "node_catch_up");
    for (; made_up.empty(); made_up = runs_of(*rig, "node_catch_up")) std::this_thread::yield();
    const auto run = rig->end(made_up.front());
    CHECK(run.due == missed.due);
    CHECK(run.of == missed.id);
    CHECK(run.counts == std::map<std::string, std::uint32_t>{{"ok", 1}});
    CHECK(rig->results(run).front().node == "n02");
}

TEST_CASE("any run that reaches an absent node says that it is back") {
    const auto rig = rig_without_n02(1);
    rig->end(runs_of(*rig, "cron").at(0));
    auto made_up = runs_of(*rig, "node_catch_up");
    for (; made_up.empty(); made_up = runs_of(*rig, "node_catch_up")) rig->run("other");
    CHECK(rig->end(made_up.front()).state == "ok");
}

TEST_CASE("what a node is owed outlives the process, and is given once") {
    const auto rig = rig_without_n02(1);
    rig->end(runs_of(*rig, "cron").at(0));
    rig->crash();
    rig->serve();
    auto made_up = runs_of(*rig, "node_catch_up");
    for (; made_up.empty(); made_up = runs_of(*rig, "node_catch_up")) rig->run("other");
    rig->end(made_up.front());
    rig->crash();
    rig->serve();
    rig->store.wait_for_question("hourly");
    for (int i = 0; i < 3; ++i) rig->run("other");
    CHECK(runs_of(*rig, "node_catch_up").size() == 1);
}

TEST_CASE("a job that does not ask for it gives an absent node nothing") {
    const auto rig = rig_without_n02(1, "catchup: last");
    rig->end(runs_of(*rig, "cron").at(0));
    for (int i = 0; i < 3; ++i) rig->run("other");
    CHECK(runs_of(*rig, "node_catch_up").empty());
}

TEST_CASE("what a node is owed is looked up once before it is given") {
    const auto rig = rig_without_n02(1);
    rig->end(runs_of(*rig, "cron").at(0));
    rig->store.wait_for_left_out("hourly");
    PauseJob pause;
    pause.job = "hourly";
    pause.reason = "not yet";
    rig->wait(rig->engine->pause(Caller("user:anna"), pause)).value();
    const auto seen = rig->store.questions("hourly");
    rig->ring();
    rig->store.questions("hourly", seen + 1); // a second turn: the first has ended, so n02 is waited for
    rig->run("other");                        // it is back, and nothing is given in the pause
    DrainRequest drain;
    rig->wait(rig->engine->drain(Caller("user:anna"), drain)).value();
    ResumeJob resume;
    resume.job = "hourly";
    rig->wait(rig->engine->resume(Caller("user:anna"), resume)).value();
    rig->ring();                         // both for the first turn after the drain
    rig->fleet.nodes["n02"].hold = true; // the end of its run would ask as well
    const auto before = rig->store.questions("hourly");
    drain.undo = true;
    rig->wait(rig->engine->drain(Caller("user:anna"), drain)).value();
    while (runs_of(*rig, "node_catch_up").empty()) std::this_thread::yield();
    CHECK(rig->store.questions("hourly") == before + 1);
}

TEST_CASE("a thousand nodes that are back at once get their run, each one once") {
    EngineRig rig("  hourly: {command: x, targets: 'n[0001-1000]', schedule: {cron: '0 * * * *', tz: UTC}, catchup: {nodes: true}}\n"
                  "  other: {command: y, targets: 'n[0001-1000]'}\n",
                  "n[0001-1000]:\n");
    for (const auto& node : expand_nodeset("n[0001-1000]").value()) rig.fleet.nodes[node].refusals = {unreached(Cause::refused)};
    rig.serve();
    rig.store.wait_for_schedule("hourly");
    rig.clock.move(minutes(55));
    rig.ring();
    rig.store.wait_for_row("hourly", nine);
    CHECK(rig.end(runs_of(rig, "cron").at(0)).counts == std::map<std::string, std::uint32_t>{{"unreachable", 1000}});
    rig.store.wait_for_left_out("hourly");
    rig.run("other");
    for (const auto& node : expand_nodeset("n[0001-1000]").value()) {
        while (rig.fleet.commands(node)["x"] == 0) std::this_thread::yield();
        CHECK(rig.fleet.commands(node)["x"] == 1);
    }
}

TEST_CASE("nodes that are back at once get their runs one after the other where the job's runs are not to meet") {
    const auto overlap = GENERATE("skip", "buffer_one", "cancel_other");
    EngineRig rig("  hourly: {command: x, targets: 'n[01-05]', schedule: {cron: '0 * * * *', tz: UTC}, catchup: {nodes: true}, overlap: {policy: " +
                  std::string(overlap) + ", scope: job}}\n  other: {command: y, targets: 'n[01-05]'}\n");
    for (const auto& node : expand_nodeset("n[01-05]").value()) rig.fleet.nodes[node].refusals = {unreached(Cause::refused)};
    rig.serve();
    rig.store.wait_for_schedule("hourly");
    rig.clock.move(minutes(55));
    rig.ring();
    rig.store.wait_for_row("hourly", nine);
    rig.end(runs_of(rig, "cron").at(0));
    rig.store.wait_for_left_out("hourly");
    PauseJob pause; // so that all are back before the first of them gets its run
    pause.job = "hourly";
    pause.reason = "not yet";
    rig.wait(rig.engine->pause(Caller("user:anna"), pause)).value();
    const auto seen = rig.store.questions("hourly");
    rig.ring();
    rig.store.questions("hourly", seen + 1); // the first turn has ended, so all are waited for
    rig.run("other");
    ResumeJob resume;
    resume.job = "hourly";
    rig.wait(rig.engine->resume(Caller("user:anna"), resume)).value();
    while (runs_of(rig, "node_catch_up").size() < 5) std::this_thread::yield();
    for (const auto& run : runs_of(rig, "node_catch_up")) CHECK(rig.end(run).counts == std::map<std::string, std::uint32_t>{{"ok", 1}});
    CHECK(rig.fleet.most_at_once() <= 5); // those of `other`
}
