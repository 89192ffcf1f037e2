#include "core/run/engine_rig.hpp"
#include "support/catch.hpp"

#include <future>
#include <thread>

using namespace loom;
using namespace loom::tests;

namespace {

/// The daemon's scheduler at work, until it goes.
class Serving {
public:
    explicit Serving(EngineRig& rig)
        : done_(std::async(std::launch::async, [&rig, stop = stop_] { rig.wait(rig.engine->serve(stop)); })) {}
    ~Serving() {
        stop_.request(StopReason::shutdown);
        done_.get();
    }

private:
    StopToken stop_;
    std::future<void> done_;
};

std::vector<RunView> runs_of(EngineRig& rig, const std::string& job) {
    RunsQuery query;
    query.job = job;
    return rig.wait(rig.engine->runs(query)).value().items;
}

/// The job's run that follows this one, ended.
RunView follower(EngineRig& rig, const std::string& job, const RunView& upstream) {
    for (;; std::this_thread::yield())
        for (const auto& run : runs_of(rig, job))
            if (std::ranges::find(run.upstream, upstream.id) != run.upstream.end()) return rig.end(run);
}

std::string job(const std::string& name, const std::string& keys) {
    return "  " + name + ": {command: x, targets: 'n[01-02]', " + keys + "}\n";
}

} // namespace

TEST_CASE("a job follows its upstream and names the run") {
    EngineRig rig(job("a", "on_empty: ok") + job("b", "after: a") + job("c", "after: {b: always}"));
    const Serving serving(rig);
    const auto a = rig.run("a");
    const auto b = follower(rig, "b", a), c = follower(rig, "c", b);
    CHECK(b.reason == "after");
    CHECK(b.by == "schedule");
    CHECK(b.state == "ok");
    CHECK(b.upstream == std::vector{a.id});
    CHECK(c.upstream == std::vector{b.id});
}

TEST_CASE("a paused job does not follow") {
    EngineRig rig(job("a", "on_empty: ok") + job("b", "after: a"));
    PauseJob pause;
    pause.job = "b";
    pause.reason = "the disk is full";
    REQUIRE(rig.wait(rig.engine->pause(Caller("user:anna"), pause)).has_value());
    const Serving serving(rig);
    const auto b = follower(rig, "b", rig.run("a"));
    CHECK(b.state == "skipped");
    CHECK(b.message == "paused since 2026-01-31T08:05:00Z by user:anna: the disk is full");
}

TEST_CASE("a job that follows several runs once when each has ended since") {
    EngineRig rig(job("a", "on_empty: ok") + job("b", "on_empty: ok") + job("c", "after: [a, b]"));
    const Serving serving(rig);
    rig.run("a");
    const auto newer = rig.run("a"), b = rig.run("b");
    CHECK(follower(rig, "c", b).upstream == std::vector{newer.id, b.id});
    const auto again = rig.run("b");
    CHECK(runs_of(rig, "c").size() == 1);
    const auto newest = rig.run("a");
    CHECK(follower(rig, "c", newest).upstream == std::vector{newest.id, again.id});
}

TEST_CASE("a job whose condition is not met is skipped and says which run ended how") {
    EngineRig rig(job("a", "retry: {connect: 1}") + job("b", "after: a") + job("c", "after: {a: failure}") +
                  job("d", "after: b"));
    rig.fleet.nodes["n01"].exits = {1};
    const Serving serving(rig);
    const auto a = rig.run("a");
    const auto b = follower(rig, "b", a), d = follower(rig, "d", b);
    CHECK(b.state == "skipped");
    CHECK(b.message == "run " + a.id + " of job \"a\" ended failed (after: success)");
    CHECK(b.upstream == std::vector{a.id});
    CHECK(d.state == "skipped");
    CHECK(d.message == "run " + b.id + " of job \"b\" ended skipped (after: success)");
    CHECK(follower(rig, "c", a).state == "failed"); // it ran
}

TEST_CASE("what ended while no scheduler was at work is followed when one is, once") {
    EngineRig rig(job("a", "on_empty: ok") + job("b", "after: a"));
    const auto a = rig.run("a");
    CHECK(runs_of(rig, "b").empty());
    for (int round = 0; round < 2; ++round) {
        const Serving serving(rig);
        CHECK(follower(rig, "b", a).reason == "after");
    }
    CHECK(runs_of(rig, "b").size() == 1);
}

TEST_CASE("a run that a crash left behind is followed too") {
    EngineRig rig(job("a", "on_empty: ok") + job("b", "after: {a: failure}"));
    rig.fleet.nodes["n01"].hold = true;
    const auto a = rig.start("a");
    rig.fleet.wait_for_holding(1);
    rig.store.abandon();
    CHECK(rig.wait(rig.engine->reconcile()).value() == 1);
    rig.fleet.open();
    {
        const Serving serving(rig);
        CHECK(follower(rig, "b", a).reason == "after");
    }
}
