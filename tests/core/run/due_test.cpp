#include "core/run/due.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

const Instant now = parse_instant("2026-01-31T08:05:00Z").value();

Pause pause_of_all() {
    Pause pause;
    pause.since = now;
    pause.reason = "the disk is full";
    pause.by = "user:anna";
    return pause;
}

/// What is said of the only job, `j`, with these keys.
std::string why(const std::string& keys, const JobsKnown& known = {}) {
    const auto catalog = build_catalog(catalog_texts("jobs:\n  j: {command: x, targets: web1, " + keys + "}\n  other: {command: x, targets: web1}\n")).value();
    NextQuery query;
    query.job = "j";
    const auto due = list_due(*catalog, query, known, now).value();
    CHECK(due.items.empty() != due.why.empty());
    return due.why;
}

} // namespace

TEST_CASE("a job that needs what a webhook gives is not started by hand") {
    auto texts = catalog_texts("jobs:\n  j: {command: 'deploy {{ params.ref | quote }}', targets: web1}\n");
    texts.settings.text += "hooks: {push: {job: j, verify: bearer, secret: s, parameters: {ref: {header: X-Ref}}}}\n";
    const auto catalog = build_catalog(texts).value();
    NextQuery query;
    query.job = "j";
    CHECK(list_due(*catalog, query, {}, now).value().why == "it has no schedule, and is started by hook:push");
}

TEST_CASE("of a job that is not due any more the reason is told") {
    CHECK(why("schedule: '0 2 * * *'").empty());
    CHECK(why("after: null") == "it has no schedule, and is started by hand");
    CHECK(why("after: [other]") == "it has no schedule of its own, and follows other");
    CHECK(why("schedule: '@reboot'") == "it is due after each boot of the daemon's machine");
    CHECK(why("schedule: '@at 2026-01-31T08:00:00Z'") == "its schedule has no instant any more");
    CHECK(why("schedule: {cron: '0 2 * * *', tz: Europe/Berlin, end: '2026-01-30T02:00'}") == "it was due until 2026-01-30T02:00:00+01:00 (end)");
    JobsKnown paused;
    paused.pauses = PauseTable({pause_of_all()});
    CHECK(why("schedule: '0 2 * * *'", paused) == "every job is paused until somebody resumes it: the disk is full (user:anna)");
    auto own = pause_of_all();
    own.job = "j";
    paused.pauses = PauseTable({own});
    CHECK(why("schedule: '0 2 * * *'", paused) == "it is paused until somebody resumes it: the disk is full (user:anna)");
    own.until = now + std::chrono::hours(100);
    paused.pauses = PauseTable({own});
    CHECK(why("schedule: '0 2 * * *'", paused).empty());
}

TEST_CASE("a schedule that has started its runs says so") {
    const std::string keys = "schedule: {cron: '0 2 * * *', count: 3}";
    const auto catalog = build_catalog(catalog_texts("jobs:\n  j: {command: x, targets: web1, " + keys + "}\n")).value();
    JobsKnown known;
    known.facts["j"].schedule_text = identity(*catalog->find_job("j")->schedule);
    known.facts["j"].started = 3;
    CHECK(why(keys, known) == "its schedule has started as many runs as it may (count: 3)");
    known.facts["j"].started = 2;
    CHECK(why(keys, known).empty());
}

TEST_CASE("a bare time to look from is that of the job's own clocks") {
    const auto catalog = build_catalog(catalog_texts("jobs:\n  east: {command: x, targets: web1, schedule: {cron: '0 * * * *', tz: Asia/Tokyo}}\n"
                                                     "  west: {command: x, targets: web1, schedule: {cron: '0 * * * *', tz: America/New_York}}\n"))
                             .value();
    const auto asked = [&](const std::string& job, const std::string& after) {
        NextQuery query;
        query.job = job;
        query.after = after;
        return list_due(*catalog, query, {}, now);
    };
    CHECK(asked("east", "2026-03-01").value().items.at(0).local == "2026-03-01T01:00:00+09:00");
    CHECK(asked("west", "2026-03-01").value().items.at(0).local == "2026-03-01T01:00:00-05:00");
    CHECK(asked("west", "2026-03-01T00:00Z").value().items.at(0).local == "2026-02-28T20:00:00-05:00");
    const auto both = asked("", "2026-03-01").value();
    REQUIRE(both.items.size() == 2);
    CHECK(both.items[1].local == "2026-03-01T01:00:00-05:00");
    CHECK(asked("east", "soon").error().message == "--after: \"soon\" is not a time; expected e.g. 02:00, 2026-01-31T02:00 (both in Asia/Tokyo) or "
                                                   "2026-01-31T02:00:00Z");
}
