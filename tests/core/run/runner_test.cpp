#include "core/async/scope.hpp"
#include "core/run/engine_rig.hpp"
#include "core/run/node_task.hpp"
#include "support/catch.hpp"

#include <numeric>
#include <spdlog/fmt/fmt.h>

using namespace loom;
using namespace loom::tests;

namespace {

using Nodes = std::map<std::string, std::uint32_t>;
using Names = std::vector<std::string>;

/// A job `j` on all nodes.
std::string job(const std::string& keys) { return "  j: {command: x, targets: '@*', " + keys + "}\n"; }

Unreached dead() { return unreached(Cause::refused); }

} // namespace

TEST_CASE("a wave begins when the one before has ended") {
    EngineRig rig(job("waves: [1, 50%, 100%]"));
    rig.fleet.nodes["n01"].hold = true;
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(1);
    CHECK(rig.fleet.dialled() == Names{"n01"});
    rig.fleet.open();
    auto ended = rig.end(run);
    CHECK(ended.state == "ok");
    CHECK(ended.counts == Nodes{{"ok", 10}});
    const auto dialled = rig.fleet.dialled();
    const std::set<std::string> first(dialled.begin(), dialled.begin() + 5);
    CHECK(first == std::set<std::string>{"n01", "n02", "n03", "n04", "n05"});
}

TEST_CASE("stop_when ends the run in its wave, and the rest is not started") {
    EngineRig rig(job("waves: [1, 50%, 100%], stop_when: {failed: '>25%'}"));
    rig.fleet.nodes["n02"].exits = {1};
    rig.fleet.nodes["n03"].refusals = {dead(), dead(), dead()}; // unreachable is no failure
    SECTION("within the bound it goes on") {
        const auto run = rig.run("j");
        CHECK(run.state == "failed");
        CHECK(run.message.empty());
        CHECK(run.counts == Nodes{{"ok", 8}, {"failed", 1}, {"unreachable", 1}});
    }
    SECTION("beyond it nothing more is dialled") {
        rig.fleet.nodes["n04"].exits = {1};
        const auto run = rig.run("j");
        CHECK(run.state == "failed");
        CHECK(run.message == "stop_when: 2 of wave 2's 4 nodes failed (>25%)");
        CHECK(run.counts == Nodes{{"ok", 2}, {"failed", 2}, {"unreachable", 1}, {"not_started", 5}});
        CHECK(rig.results(run)[7].message == run.message);
    }
}

TEST_CASE("stop_when is looked at as nodes end, and those in flight finish") {
    EngineRig rig(job("limits: {parallel: 2}, stop_when: {unreachable: '>0'}"));
    rig.fleet.nodes["n01"].hold = true;
    rig.fleet.nodes["n02"].refusals = {dead()};
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(1);
    rig.fleet.open();
    auto ended = rig.end(run);
    CHECK(ended.state == "failed");
    CHECK(ended.message == "stop_when: 1 of 10 nodes unreachable (>0)");
    CHECK(ended.counts["ok"] >= 1); // n01, and what had its place before n02 was refused
    CHECK(ended.counts["unreachable"] == 1);
    CHECK(rig.results(ended)[0].state == "ok");
}

TEST_CASE("success_when decides the run's state") {
    EngineRig rig(job("success_when: {ok: '>=90%'}"));
    rig.fleet.nodes["n05"].exits = {1};
    CHECK(rig.run("j").state == "ok");
    rig.fleet.nodes["n06"].exits = {1};
    const auto run = rig.run("j");
    CHECK(run.state == "failed");
    CHECK(run.message == "success_when: 8 of 10 nodes are ok, not >=90%");
}

TEST_CASE("run_once runs on the first node that is reached, and skips the others") {
    EngineRig rig(job("run_once: true, retry: {connect: 1}"));
    rig.fleet.nodes["n01"].refusals = {dead(), dead()};
    const auto run = rig.run("j");
    CHECK(run.state == "ok");
    CHECK(run.counts == Nodes{{"unreachable", 1}, {"ok", 1}, {"skipped", 8}});
    CHECK(rig.fleet.dialled() == Names{"n01", "n02"});
    CHECK(rig.results(run)[9].message == "run_once: it ran on n02");
    rig.fleet.nodes["n02"].exits = {3};
    const auto failed = rig.run("j"); // n01 refuses once more
    CHECK(failed.state == "failed");
    CHECK(failed.counts == Nodes{{"unreachable", 1}, {"failed", 1}, {"skipped", 8}});
}

TEST_CASE("run_once goes on where the task could not even begin") {
    EngineRig rig("  j: {command: 'echo {{ node.vars.x }}', targets: '@*', run_once: true}\n", "n[01-02]:\nn03: {vars: {x: 1}}\nn04:\n");
    const auto run = rig.run("j");
    CHECK(run.state == "ok");
    CHECK(run.counts == Nodes{{"failed", 2}, {"ok", 1}, {"skipped", 1}});
    CHECK(rig.fleet.dialled() == Names{"n03"});
    CHECK(rig.results(run)[3].message == "run_once: it ran on n03");
}

TEST_CASE("a cancel between and within waves leaves every node with one end") {
    EngineRig rig(job("waves: [2, 100%]"));
    rig.fleet.nodes["n02"].hold = true;
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(1);
    rig.cancel(run);
    auto ended = rig.end(run);
    CHECK(ended.state == "cancelled");
    CHECK(ended.counts["not_started"] == 8);
    CHECK(ended.counts["cancelled"] >= 1);
}

TEST_CASE("nodes are dialled in the job's order") {
    const std::string nodes = "a[1-3]: {labels: {rack: one}}\nb[1-3]: {labels: {rack: two}}\n";
    EngineRig rig(job("order: 'label:rack', limits: {parallel: 1}"), nodes);
    const auto run = rig.run("j");
    CHECK(rig.fleet.dialled() == Names{"a1", "b1", "a2", "b2", "a3", "b3"});
    CHECK(rig.results(run)[1].node == "a2"); // the row's place stays the inventory's
}

TEST_CASE("a task that failed is run again by its exit status") {
    EngineRig rig(job("retry: {task: 2, on_exit: [75], backoff: 1ms..1ms}"));
    rig.fleet.nodes["n01"].exits = {75, 75, 0};
    rig.fleet.nodes["n02"].exits = {75};
    rig.fleet.nodes["n03"].exits = {1, 0};
    const auto run = rig.run("j");
    CHECK(run.counts == Nodes{{"ok", 8}, {"failed", 2}});
    const auto results = rig.results(run);
    CHECK(results[0].state == "ok");
    CHECK(results[0].attempts == 3);
    CHECK(results[1].exit_status == 75);
    CHECK(results[1].attempts == 3);
    CHECK(results[2].attempts == 1);
}

TEST_CASE("a task that failed stays failed when its node is not reached again") {
    EngineRig rig(job("retry: {task: 1, connect: 1, backoff: 1ms..1ms}"));
    rig.fleet.nodes["n01"].exits = {75};
    rig.fleet.nodes["n01"].admits = 1;
    const auto run = rig.run("j");
    CHECK(run.counts == Nodes{{"ok", 9}, {"failed", 1}});
    CHECK(rig.results(run)[0].exit_status == 75);
    CHECK(rig.results(run)[0].attempts == 2);
}

TEST_CASE("parallel bounds what works at once, and starts_per_second still reaches everyone") {
    EngineRig rig(job("limits: {parallel: 3, starts_per_second: 2000}"), "n[01-40]:\n", "starts_per_second: 4000\n");
    const auto run = rig.run("j");
    CHECK(run.counts == Nodes{{"ok", 40}});
    CHECK(rig.fleet.most_at_once() <= 3);
}

TEST_CASE("parallel: auto loses nobody when nodes drop connections") {
    EngineRig rig(job("limits: {parallel: auto}, retry: {connect: 4, backoff: 1ms..2ms}"), "n[001-300]:\n");
    for (int i = 1; i <= 300; i += 2)
        rig.fleet.nodes[fmt::format("n{:03}", i)].refusals.assign(static_cast<std::size_t>(i % 4), unreached(Cause::handshake, true));
    const auto run = rig.run("j");
    CHECK(run.counts == Nodes{{"ok", 300}});
}

TEST_CASE("a ledger that cannot be written delays a run and loses nothing of it") {
    EngineRig rig(job("waves: [5, 100%], limits: {parallel: 2}"));
    for (const auto* name : {"n01", "n02"}) rig.fleet.nodes[name].hold = true;
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(2);
    rig.store.refuse(2);
    rig.fleet.open();
    auto ended = rig.end(run);
    CHECK(ended.state == "ok");
    CHECK(ended.counts == Nodes{{"ok", 10}});
}

TEST_CASE("a run that is cancelled while its ledger is broken ends, and leaves the rest to the reconcile") {
    EngineRig rig(job("limits: {parallel: 2}"));
    for (const auto* name : {"n01", "n02"}) rig.fleet.nodes[name].hold = true;
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(2);
    rig.store.break_with(Error{Errc::unavailable, "disk full"});
    rig.wait(rig.engine->end(StopReason::shutdown));
    rig.store.break_with({});
    rig.store.abandon();
    CHECK(rig.wait(rig.engine->reconcile()).value() == 1);
    auto ended = rig.end(run);
    CHECK(ended.state == "interrupted");
    CHECK(ended.counts == Nodes{{"interrupted", 2}, {"not_started", 8}});
}

TEST_CASE("a run whose deadline has passed while its ledger is full can still be ended") {
    EngineRig rig(job("timeout: {run: 1ms}"));
    rig.store.fill_up(1); // the claim of the run
    const auto run = rig.start("j");
    rig.store.wait_for_refusals(2); // a pause of 100 ms lies between
    rig.wait(rig.engine->end(StopReason::shutdown));
    rig.store.fill_up(SIZE_MAX);
    rig.store.abandon();
    CHECK(rig.wait(rig.engine->reconcile()).value() == 1);
    CHECK(rig.end(run).counts == Nodes{{"not_started", 10}});
}

TEST_CASE("who waits for a socket holds no place") {
    FakeFleet fleet;
    const auto tasks = standard_tasks();
    EngineParts parts;
    parts.connector = &fleet;
    parts.tasks = &tasks;
    Slots parallel{1}, descriptors{0};
    Strain strain;
    const StopToken stop, never;
    NodeWork work;
    work.parts = &parts;
    work.parallel = &parallel;
    work.descriptors = &descriptors;
    work.strain = &strain;
    Node named;
    TaskSpec task;
    task.name = "fabric.api.run";
    task.args = {"id"};
    work.scope.node = &named;
    const Plugins plugins;
    work.plugins = &plugins;
    work.task = &task;
    work.stop = stop;
    Outcome ended;
    auto node = [&]() -> awaitable<void> {
        Seat seat;
        seat.place = parallel.try_acquire();
        auto done = co_await run_node_task(std::move(work), seat);
        ended = std::move(done.outcome);
    };
    auto other = [&]() -> awaitable<void> {
        const auto place = co_await parallel.acquire(never);
        CHECK(place);
        stop.request(StopReason::cancelled);
    };
    asio::io_context io;
    Scope both(io.get_executor());
    both.spawn(node);
    both.spawn(other);
    io.run();
    CHECK(both.live() == 0);
    CHECK(ended.state == NodeState::cancelled);
}

TEST_CASE("who watches a run is told once that the ledger cannot be written") {
    EngineRig rig("  j: {command: x, targets: 'n[01-03]'}\n");
    for (const auto* name : {"n01", "n02", "n03"}) rig.fleet.nodes[name].hold = true;
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(3);
    std::vector<std::string> told;
    auto watching = [&]() -> awaitable<void> {
        RunRef ref;
        ref.id = run.id;
        auto stream = co_await rig.engine->watch(ref);
        rig.store.refuse(3);
        rig.fleet.open();
        for (bool more = true; more;) {
            const auto event = co_await (*stream)->next();
            more = event.has_value();
            if (more && event->type == "run.stalled") told.emplace_back(event->data.at("message").as_string());
        }
    };
    rig.wait(watching());
    CHECK(told == std::vector<std::string>{"the ledger cannot be written, the run stands still until it can: no space left on device"});
    CHECK(rig.end(run).state == "ok");
}
