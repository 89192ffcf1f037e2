#include "core/run/pausing.hpp"
#include "engine_rig.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

const std::string two_jobs = "  backup: {command: x, targets: n01, schedule: '0 * * * *'}\n"
                             "  report: {command: x, targets: n01, schedule: '30 * * * *'}\n";

PauseJob request_of(std::string job, std::string reason = "the disk is full", std::string until = {}) {
    PauseJob request;
    request.job = std::move(job);
    request.all = request.job.empty();
    request.reason = std::move(reason);
    request.until = std::move(until);
    return request;
}

Result<PauseView> pause(EngineRig& rig, PauseJob request) { return rig.wait(rig.engine->pause(Caller("user:anna"), request)); }

Result<PauseView> resume(EngineRig& rig, std::string job) {
    ResumeJob request;
    request.job = std::move(job);
    request.all = request.job.empty();
    return rig.wait(rig.engine->resume(Caller("user:bob"), request));
}

JobView job(EngineRig& rig, std::string name) {
    JobsQuery query;
    query.name = std::move(name);
    return rig.wait(rig.engine->jobs(query)).value().items.at(0);
}

} // namespace

TEST_CASE("a paused job says so, runs by hand, and goes on when it is resumed") {
    EngineRig rig(two_jobs);
    const auto paused = pause(rig, request_of("backup")).value();
    CHECK(paused.job == "backup");
    CHECK(paused.since == "2026-01-31T08:05:00Z");
    CHECK_FALSE(paused.until);
    auto shown = job(rig, "backup");
    CHECK(shown.status == "paused");
    CHECK(shown.message == "the disk is full (user:anna)");
    CHECK_FALSE(shown.next);
    REQUIRE(shown.pause);
    CHECK(shown.pause->by == "user:anna");
    CHECK(job(rig, "report").status == "active");
    CHECK(rig.run("backup").state == "ok");

    CHECK(resume(rig, "backup").value().reason == "the disk is full");
    shown = job(rig, "backup");
    CHECK(shown.status == "active");
    CHECK(shown.next == "2026-01-31T09:00:00Z");
    CHECK_FALSE(shown.pause);
}

TEST_CASE("pausing again changes the reason and the end") {
    EngineRig rig(two_jobs);
    pause(rig, request_of("backup")).value();
    const auto changed = pause(rig, request_of("backup", "later", "90m")).value();
    CHECK(changed.reason == "later");
    CHECK(changed.until == "2026-01-31T09:35:00Z");
    const auto shown = job(rig, "backup");
    CHECK(shown.message == "later (user:anna, until 2026-01-31T09:35:00Z)");
    CHECK(shown.next == "2026-01-31T10:00:00Z");
    CHECK(pause(rig, request_of("backup", "later", "2026-02-01T00:00:00Z")).value().until == "2026-02-01T00:00:00Z");
}

TEST_CASE("a pause of every job is one of its own") {
    EngineRig rig(two_jobs);
    CHECK(pause(rig, request_of("")).value().job.empty());
    CHECK(job(rig, "report").status == "paused");
    pause(rig, request_of("backup")).value();
    CHECK(resume(rig, "report").error().code == Errc::conflict);
    resume(rig, "").value();
    CHECK(job(rig, "report").status == "active");
    CHECK(job(rig, "backup").status == "paused");
}

TEST_CASE("of several pauses the one that lasts longest is shown") {
    EngineRig rig(two_jobs);
    pause(rig, request_of("backup", "short", "10m")).value();
    CHECK(job(rig, "backup").message == "short (user:anna, until 2026-01-31T08:15:00Z)");
    pause(rig, request_of("", "longer", "1h")).value();
    CHECK(job(rig, "backup").message == "longer (user:anna, until 2026-01-31T09:05:00Z)");
    pause(rig, request_of("backup", "endless")).value();
    CHECK(job(rig, "backup").message == "endless (user:anna)");
}

TEST_CASE("a pause that makes no sense is refused") {
    EngineRig rig(two_jobs);
    const auto unknown = pause(rig, request_of("bakup")).error();
    CHECK(unknown.code == Errc::not_found);
    CHECK(unknown.message == "there is no job \"bakup\" (did you mean \"backup\"?)");
    CHECK(pause(rig, request_of("backup", " ")).error().message.starts_with("--reason: say why"));
    CHECK(pause(rig, request_of("backup", "x", "soon")).error().message ==
          "--until: \"soon\" is neither a duration such as 2h nor a time such as 18:00, 2026-01-31T18:00 (both in UTC) or 2026-01-31T18:00:00Z");
    CHECK(pause(rig, request_of("backup", "x", "2026-01-31T08:00:00Z")).error().message == "--until: 2026-01-31T08:00:00Z is not ahead");
    auto both = request_of("backup");
    both.all = true;
    CHECK(pause(rig, both).error().code == Errc::usage);
    CHECK(resume(rig, "backup").error().code == Errc::conflict);
    CHECK(resume(rig, "bakup").error().code == Errc::not_found);
    CHECK(resume(rig, "").error().code == Errc::conflict);
}

TEST_CASE("a schedule that has started its count is finished") {
    EngineRig rig("  few: {command: x, targets: n01, schedule: {cron: '0 * * * *', count: 2}}\n"
                  "  once: {command: x, targets: n01, schedule: '@at 2026-01-31T08:00:00Z'}\n");
    CHECK(job(rig, "few").status == "active");
    CHECK(job(rig, "few").spent == 0);
    CHECK(job(rig, "once").status == "finished");
    NextQuery query;
    query.count = 5;
    CHECK(rig.wait(rig.engine->next(query)).value().items.size() == 2);
}
