#include "fake_service.hpp"
#include "support/catch.hpp"

using namespace loom;

TEST_CASE("pausing and resuming say what came of it", "[cli]") {
    CliBench loom;
    loom.script.pause.job = "backup";
    loom.script.pause.reason = "the disk is full";
    loom.script.pause.by = "user:anna";
    loom.script.pause.until = "2026-02-01T00:00:00Z";
    CHECK(loom({"pause", "backup", "--reason", "the disk is full", "--until", "2h"}) == 0);
    CHECK(loom.need == Need::write);
    CHECK(loom.script.paused.job == "backup");
    CHECK(loom.script.paused.until == "2h");
    CHECK_FALSE(loom.script.paused.all);
    CHECK(loom.err.str() == "backup is paused until 2026-02-01T00:00:00Z by user:anna: the disk is full\n");
    CHECK(loom.out.str().empty());

    CliBench goes_on;
    goes_on.script.pause.job = "backup";
    auto& job = goes_on.script.jobs.items.emplace_back();
    job.name = "backup";
    job.next = "2026-01-31T08:10:00Z";
    CHECK(goes_on({"resume", "backup"}) == 0);
    CHECK(goes_on.err.str() == "backup goes on; next: 2026-01-31T08:10:00Z (in 5m)\n");
    job.catchup.emplace().nodes = true;
    goes_on.err.str({});
    goes_on.daemon = false;
    CHECK(goes_on({"resume", "backup"}) == 0);
    CHECK(goes_on.err.str() == "Once a daemon runs, backup goes on; next: 2026-01-31T08:10:00Z (in 5m); nodes that are owed a run get it as soon as "
                               "they are reached\n");

    goes_on.err.str({});
    goes_on.context.streams.err_terminal = true;
    CHECK(goes_on({"resume", "backup"}) == 0);
    CHECK(goes_on.err.str() == "Once a daemon runs, backup goes on; next: 2026-01-31T08:10:00Z (in 5m); nodes\n"
                               "that are owed a run get it as soon as they are reached\n");

    CliBench all;
    CHECK(all({"-o", "json", "resume", "--all"}) == 0);
    CHECK(all.script.resumed.all);
    CHECK(holds(all.out.str(), "\"job\":\"\""));
    CHECK(CliBench()({"pause", "backup"}) == 2); // no reason
}

TEST_CASE("running a paused job says that it is paused", "[cli]") {
    CliBench loom;
    loom.script.jobs.items.resize(1);
    loom.script.jobs.items[0].message = "the disk is full (user:anna)";
    loom.script.jobs.items[0].pause.emplace();
    loom({"run", "backup", "--detach"});
    CHECK(holds(loom.err.str(), "backup is paused, and runs this once by hand: the disk is full (user:anna)"));
    CHECK(loom.script.calls.front() == "jobs");
    CHECK(loom.script.calls.at(1) == "start_job");
}
