#include "planner_rig.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::planning;

namespace {

/// A start of the daemon, by which the ledger knows this; what it fires, and what it has the ledger know.
struct Start {
    std::string fired;
    Planner::Activation activated;
};
Start start(const Job& job, std::string boot, std::optional<Planner::Known> known, std::string_view now) {
    Rig rig(job);
    rig.planner = Planner([](const std::string&) { return false; }, std::move(boot));
    if (known) rig.known[job.name] = *known;
    auto fired = rig.activate(now);
    return {fired, rig.activated};
}

Planner::Known known_by(const Planner::Activation& activation, std::optional<Instant> verdict = {}) {
    Facts facts;
    facts.since = activation.at;
    facts.last_due = verdict;
    return {activation.text, facts};
}

} // namespace

TEST_CASE("@reboot is due once in each boot, at the daemon's first start") {
    const auto job = job_of("@reboot");
    const auto first = start(job, "a", {}, "2026-01-01 10:00");
    CHECK(first.fired == "fire 10:00");
    const auto fired = known_by(first.activated, at("2026-01-01 10:00"));
    CHECK(start(job, "a", fired, "2026-01-01 11:00").fired.empty());
    CHECK(start(job, "b", fired, "2026-01-01 12:00").fired == "fire 12:00");
}

TEST_CASE("a boot without a verdict gets one at the next start") {
    const auto job = job_of("@reboot");
    const auto died = start(job, "a", {}, "2026-01-01 10:00").activated;
    CHECK(start(job, "a", known_by(died), "2026-01-01 10:05").fired == "fire 10:05");
    // That of the boot before is not this one's.
    CHECK(start(job, "a", known_by(died, at("2025-12-31 10:00")), "2026-01-01 10:05").fired == "fire 10:05");
}

TEST_CASE("a job for boots that comes by a reload waits for the next boot") {
    const auto job = job_of("@reboot");
    Rig rig(job_of("*/10 * * * *", "a"));
    rig.activate("2026-01-01 10:01");
    rig.set({job, job_of("*/10 * * * *", "a")});
    CHECK(rig.activate("2026-01-01 10:02").empty());
    CHECK(rig.activated.job == "backup");
    const auto known = known_by(rig.activated);
    CHECK(start(job, rig.boot, known, "2026-01-01 10:05").fired.empty());
    CHECK(start(job, "second", known, "2026-01-01 10:05").fired == "fire 10:05");
}

TEST_CASE("a boot that a blackout holds is not forgotten by a reload") {
    auto job = job_of("@reboot");
    job.policy->blackout = {{calendar("10:05 - 10:30")}, true};
    Rig rig(job);
    CHECK(rig.activate("2026-01-01 10:06").empty());
    CHECK(rig.activate("2026-01-01 10:10").empty());
    CHECK(rig.due("2026-01-01 10:30") == "fire 10:06");
}
