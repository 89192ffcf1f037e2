#include "core/run/engine_rig.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

std::vector<RunView> runs_of(EngineRig& rig, const std::string& job) {
    RunsQuery query;
    query.job = job;
    return rig.wait(rig.engine->runs(query)).value().items;
}

/// Has a reload bring this job.
void bring_job(EngineRig& rig, const std::string& name, const std::string& schedule) {
    const auto more = std::make_shared<Catalog>(*rig.engine->current_catalog());
    auto job = more->jobs.front();
    job.name = name;
    job.schedule->text = schedule;
    job.schedule->cron = parse_cron(schedule).value();
    more->jobs.push_back(job);
    std::ranges::sort(more->jobs, {}, &Job::name);
    rig.read_catalog = [more]() -> Result<CatalogPtr> { return CatalogPtr(more); };
    rig.wait(rig.engine->reload(Caller("user:anna"))).value();
}

/// The same, and returns when its schedule is known.
void add_job(EngineRig& rig, const std::string& name, const std::string& schedule) {
    bring_job(rig, name, schedule);
    rig.store.wait_for_schedule(name);
}

} // namespace

TEST_CASE("a boot that could be recorded only in part has its run all the same, once") {
    EngineRig rig("  j: {command: x, targets: n01, schedule: '@reboot'}\n");
    rig.store.fill_up(1); // that its schedule is known finds room, its run does not
    rig.serve();
    rig.store.wait_for_refusals(1);
    rig.crash();
    rig.store.fill_up(SIZE_MAX);
    for (const std::string round : {"first", "second"}) {
        rig.clock.move(std::chrono::minutes(1));
        rig.serve();
        // The first may yet be a part of what the start takes over; before the other is known all of that is decided.
        for (const auto* mark : {"-a", "-b"}) add_job(rig, round + mark, "@yearly");
        rig.crash();
    }
    CHECK(runs_of(rig, "j").size() == 1);
}

TEST_CASE("a job for boots that comes by a reload does not run at once") {
    EngineRig rig("  tick: {command: x, targets: n01, schedule: '@yearly'}\n");
    rig.serve();
    rig.store.wait_for_schedule("tick");
    add_job(rig, "j", "@reboot");
    add_job(rig, "later", "@yearly");
    CHECK(runs_of(rig, "j").empty());
}

TEST_CASE("a job for boots that comes by a reload which cannot be recorded does not run once it can") {
    EngineRig rig("  tick: {command: x, targets: n01, schedule: '@yearly'}\n");
    rig.serve();
    rig.store.wait_for_schedule("tick");
    rig.store.fill_up(0);
    bring_job(rig, "j", "@reboot");
    rig.store.wait_for_refusals(1);
    rig.store.fill_up(SIZE_MAX);
    rig.store.wait_for_schedule("j");
    add_job(rig, "later", "@yearly");
    CHECK(runs_of(rig, "j").empty());
}
