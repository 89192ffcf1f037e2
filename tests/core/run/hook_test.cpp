#include "engine_rig.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

const std::string deploy = "  deploy: {command: 'deploy {{ params.ref | quote }}', targets: 'n[01-03]'%s}\n";

std::string jobs(const std::string& more = {}) {
    auto text = deploy;
    return text.replace(text.find("%s"), 2, more);
}

HookStart start_of(std::string delivery, std::string ref = "main") {
    HookStart start;
    start.hook = "github";
    start.job = "deploy";
    start.delivery = std::move(delivery);
    start.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    start.params["ref"] = std::move(ref);
    return start;
}

Result<HookStarted> deliver(EngineRig& rig, std::string delivery, std::string ref = "main") {
    auto start = start_of(std::move(delivery), std::move(ref));
    return rig.wait(rig.engine->start_hook(std::move(start)));
}

std::size_t count_runs(EngineRig& rig) {
    RunsQuery query;
    query.limit = 1000;
    return rig.wait(rig.engine->runs(query)).value().items.size();
}

std::string why(EngineRig& rig, std::string run) {
    WhyQuery query;
    query.subject = std::move(run);
    return rig.wait(rig.engine->why(query)).value().because.at(0);
}

} // namespace

TEST_CASE("a delivery runs the job once, with its parameters") {
    EngineRig rig(jobs());
    const auto first = deliver(rig, "1", "v1; rm -rf /").value();
    CHECK_FALSE(first.duplicate);
    CHECK(first.run.state == "running");
    const auto ended = rig.end(first.run);
    CHECK(ended.state == "ok");
    CHECK(ended.reason == "webhook");
    CHECK(ended.by == "hook:github");
    CHECK(ended.trace == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    CHECK(boost::json::serialize(ended.params) == R"({"ref":"v1; rm -rf /"})");
    CHECK(rig.fleet.commands("n02").begin()->first == "deploy 'v1; rm -rf /'");
    CHECK(why(rig, ended.id) == "A delivery to hook:github started it at 2026-01-31 08:05 in UTC.");
    const auto again = deliver(rig, "1", "v1; rm -rf /").value();
    CHECK(again.duplicate);
    CHECK(again.run.id == first.run.id);
    CHECK(again.run.state == "ok");
    CHECK(count_runs(rig) == 1);
    CHECK_FALSE(deliver(rig, "2").value().duplicate);
}

TEST_CASE("a delivery that comes again after a crash makes no second run") {
    EngineRig rig(jobs());
    for (auto& [name, node] : rig.fleet.nodes) node.hold = true;
    rig.fleet.nodes["n01"].hold = true;
    const auto first = deliver(rig, "1").value();
    rig.fleet.wait_for_holding(1);
    rig.crash();
    rig.wait(rig.engine->reconcile()).value();
    const auto again = deliver(rig, "1").value();
    CHECK(again.duplicate);
    CHECK(again.run.id == first.run.id);
    CHECK(again.run.state == "interrupted");
    CHECK(count_runs(rig) == 1);
}

TEST_CASE("many at once make one run") {
    EngineRig rig(jobs());
    std::atomic<int> first{0}, duplicates{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) ++(deliver(rig, "1").value().duplicate ? duplicates : first);
        });
    for (auto& thread : threads) thread.join();
    CHECK(first == 1);
    CHECK(duplicates == 399);
    CHECK(count_runs(rig) == 1);
}

TEST_CASE("a delivery that the job's overlap does not let begin is recorded as skipped") {
    EngineRig rig(jobs());
    rig.fleet.nodes["n01"].hold = true;
    const auto first = deliver(rig, "1").value();
    const auto second = deliver(rig, "2").value();
    CHECK(second.run.state == "skipped");
    CHECK(second.run.message.find("is running already") != std::string::npos);
    CHECK(deliver(rig, "2").value().run.id == second.run.id);
    CHECK(why(rig, second.run.id).starts_with("A delivery to hook:github came at 2026-01-31 08:05 in UTC and did not run: job \"deploy\" is running already"));
    rig.fleet.open();
    rig.end(first.run);
    CHECK(count_runs(rig) == 2);
}

TEST_CASE("a delivery waits where the job's overlap says so") {
    EngineRig rig(jobs(", overlap: buffer_one"));
    rig.fleet.nodes["n01"].hold = true;
    const auto first = deliver(rig, "1").value();
    const auto second = deliver(rig, "2", "v2").value();
    CHECK(second.run.state == "waiting");
    CHECK(deliver(rig, "2").value().run.id == second.run.id);
    rig.fleet.open();
    rig.end(first.run);
    CHECK(rig.end(second.run).state == "ok");
}

TEST_CASE("a delivery to a paused job is recorded as skipped") {
    EngineRig rig(jobs());
    PauseJob pause;
    pause.job = "deploy";
    pause.reason = "the disk is full";
    rig.wait(rig.engine->pause(Caller("user:anna"), pause)).value();
    const auto started = deliver(rig, "1").value();
    CHECK(started.run.state == "skipped");
    CHECK(started.run.message == "paused since 2026-01-31T08:05:00Z by user:anna: the disk is full");
    CHECK(started.run.by == "hook:github");
}

TEST_CASE("without an id each delivery is one of its own") {
    EngineRig rig(jobs(", overlap: allow"));
    CHECK_FALSE(deliver(rig, "").value().duplicate);
    CHECK_FALSE(deliver(rig, "").value().duplicate);
    CHECK(count_runs(rig) == 2);
}

TEST_CASE("while Loom drains, or the ledger cannot be asked, a delivery is to come again later") {
    EngineRig rig(jobs());
    DrainRequest drain;
    rig.wait(rig.engine->drain(Caller("user:anna"), drain)).value();
    CHECK(deliver(rig, "1").error().code == Errc::unavailable);
    drain.undo = true;
    rig.wait(rig.engine->drain(Caller("user:anna"), drain)).value();
    rig.store.break_with(Error{Errc::unavailable, "no space left on device"});
    CHECK(deliver(rig, "1").error().code == Errc::unavailable);
    rig.store.break_with({});
    CHECK_FALSE(deliver(rig, "1").value().duplicate);
}

TEST_CASE("a job that a webhook starts runs again with what it was given, and not by hand without") {
    EngineRig rig(jobs());
    rig.fleet.nodes["n02"].exits = {1, 0};
    const auto first = rig.end(deliver(rig, "1", "v7").value().run);
    CHECK(first.state == "failed");
    const auto again = rig.end(rig.retry(first.id).value());
    CHECK(again.state == "ok");
    CHECK(boost::json::serialize(again.params) == R"({"ref":"v7"})");
    CHECK(rig.fleet.commands("n02").at("deploy v7") == 2);
    StartJob request;
    request.job = "deploy";
    const auto by_hand = rig.wait(rig.engine->start_job(Caller("user:anna"), request));
    CHECK(by_hand.error().message == "job \"deploy\" needs {{ params.ref }}, which only a webhook gives");
}
