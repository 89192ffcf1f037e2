#include "core/base/limits.hpp"
#include "core/schedule/decide.hpp"
#include "support/catch.hpp"

#include <algorithm>

namespace loom {
namespace {

using namespace std::chrono;
using Kind = Decision::Kind;

Job job_of(std::string_view schedule) {
    Job job;
    job.name = "backup";
    job.schedule.emplace();
    job.schedule->text = schedule;
    job.schedule->cron = parse_cron(schedule).value();
    return job;
}

Instant at(std::string_view text) { return parse_instant(text).value(); }

Facts active_since(std::string_view text) {
    Facts facts;
    facts.since = at(text);
    return facts;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a job that is due fires") {
    const auto decision = decide(job_of("*/5 * * * *"), at("2026-01-01 10:00"), at("2026-01-01 10:00:01"), {});
    CHECK(decision == Decision{Kind::fire, at("2026-01-01 10:00"), Reason::cron, ""});
}

TEST_CASE("nothing fires twice for one instant, nor from before the schedule's activation") {
    const auto job = job_of("*/5 * * * *");
    const auto due = at("2026-01-01 10:00");
    auto facts = active_since("2026-01-01 09:58");
    facts.last_due = due;
    CHECK(decide(job, due, due, facts).kind == Kind::nothing);
    CHECK(decide(job, due - 5min, due, facts).kind == Kind::nothing);
    facts.last_due.reset();
    CHECK(decide(job, due - 5min, due, facts).kind == Kind::nothing);
    CHECK(decide(job, due, due, facts).kind == Kind::fire);
    CHECK(decide(Job{}, due, due, {}).kind == Kind::nothing);
}

TEST_CASE("an overlap is skipped and says so, or is allowed") {
    auto job = job_of("*/5 * * * *");
    Facts facts;
    facts.in_flight = true;
    const auto due = at("2026-01-01 10:00");
    const auto skipped = decide(job, due, due, facts);
    CHECK(skipped.kind == Kind::skip);
    CHECK(holds(skipped.why, "has not ended"));
    job.policy->overlap = Overlap::allow;
    CHECK(decide(job, due, due, facts).kind == Kind::fire);
}

TEST_CASE("a late tick catches up once") {
    auto job = job_of("0 * * * *");
    const auto due = at("2026-01-01 10:00");
    CHECK(decide(job, due, due + 60s, {}).reason == Reason::cron);
    CHECK(decide(job, due, due + 61s, {}) == Decision{Kind::fire, due, Reason::catch_up, ""});
    CHECK(decide(job, due, due + 59min, {}).kind == Kind::fire);

    const auto superseded = decide(job, due, due + 60min, {});
    CHECK(superseded.kind == Kind::missed);
    CHECK(holds(superseded.why, "2026-01-01T11:00:00Z"));

    job.policy->catch_up_window = 10min;
    CHECK(decide(job, due, due + 10min, {}).kind == Kind::fire);
    const auto beyond = decide(job, due, due + 11min, {});
    CHECK(beyond.kind == Kind::missed);
    CHECK(holds(beyond.why, "catch-up window of 10m00s"));

    job.policy->catch_up = CatchUp::skip;
    const auto off = decide(job, due, due + 2min, {});
    CHECK(off.kind == Kind::missed);
    CHECK(holds(off.why, "catch-up is off"));
}

TEST_CASE("after a stop the newest instant fires and the others are missed") {
    const auto job = job_of("*/10 * * * *");
    auto facts = active_since("2026-01-01 00:00");
    facts.last_due = at("2026-01-01 09:30");
    const auto list = catch_up(job, at("2026-01-01 10:05"), facts);
    REQUIRE(list.size() == 3);
    CHECK(list[0].kind == Kind::missed);
    CHECK(list[0].due == at("2026-01-01 09:40"));
    CHECK(holds(list[0].why, "a later one was due at 2026-01-01T09:50:00Z"));
    CHECK(list[1].kind == Kind::missed);
    CHECK(list[2] == Decision{Kind::fire, at("2026-01-01 10:00"), Reason::catch_up, ""});
}

TEST_CASE("nothing is caught up that is not missing") {
    const auto job = job_of("0 * * * *");
    auto facts = active_since("2026-01-01 10:30");
    CHECK(catch_up(job, at("2026-01-01 10:59"), facts).empty());
    facts.last_due = at("2026-01-01 11:00");
    CHECK(catch_up(job, at("2026-01-01 11:59"), facts).empty());
    CHECK(catch_up(job, at("2026-01-01 10:00"), facts).empty());
    CHECK(catch_up(job_of("@reboot"), at("2026-01-01 11:59"), {}).empty());
    CHECK(catch_up(Job{}, at("2026-01-01 11:59"), {}).empty());
}

TEST_CASE("catching up ends at the window, and waits for no run that is still going") {
    const auto job = job_of("0 3 * * *");
    const auto facts = active_since("2026-01-01 00:00");
    const auto beyond = catch_up(job, at("2026-01-01 04:01"), facts);
    REQUIRE(beyond.size() == 1);
    CHECK(beyond[0].kind == Kind::missed);
    CHECK(holds(beyond[0].why, "catch-up window of 1h00m"));
    auto busy = facts;
    busy.in_flight = true;
    const auto overlap = catch_up(job, at("2026-01-01 03:30"), busy);
    REQUIRE(overlap.size() == 1);
    CHECK(overlap[0].kind == Kind::skip);
}

TEST_CASE("with catch-up off every instant is missed") {
    auto job = job_of("0 * * * *");
    job.policy->catch_up = CatchUp::skip;
    const auto list = catch_up(job, at("2026-01-01 03:30"), active_since("2026-01-01 00:30"));
    REQUIRE(list.size() == 3);
    for (const auto& decision : list) CHECK(decision.kind == Kind::missed);
}

TEST_CASE("of very many missed instants the oldest are summed up") {
    const auto list = catch_up(job_of("* * * * *"), at("2026-01-01 10:00:30"), active_since("2026-01-01 00:00"));
    REQUIRE(list.size() == limits::missed_rows);
    CHECK(list.front().due == at("2026-01-01 08:21"));
    CHECK(holds(list.front().why, "so were 500 before it, since 2026-01-01T00:00:00Z"));
    CHECK(list.back().kind == Kind::fire);
    CHECK(list.back().due == at("2026-01-01 10:00"));

    const auto years = catch_up(job_of("@every 1s"), at("2026-01-01"), {});
    REQUIRE(years.size() == limits::missed_rows);
    CHECK(holds(years.front().why, "so were more than 1000 before it"));
    CHECK(years.back() == Decision{Kind::fire, at("2026-01-01"), Reason::cron, ""}); // on time
}

TEST_CASE("catching up all takes what lies in the window, the newest so many, oldest first") {
    auto job = job_of("*/10 * * * *");
    job.policy->catch_up = CatchUp::all;
    job.policy->catch_up_max = 2;
    job.policy->overlap = Overlap::allow;
    auto facts = active_since("2026-01-01 08:55");
    const auto list = catch_up(job, at("2026-01-01 10:05"), facts);
    REQUIRE(list.size() == 7);
    CHECK(list[0].kind == Kind::missed);
    CHECK(holds(list[0].why, "1h05m late is beyond the catch-up window of 1h00m"));
    CHECK(list[4].kind == Kind::missed);
    CHECK(list[4].why == "not started on time, and 2 later ones were due too: catch-up takes the newest 2");
    CHECK(list[5] == Decision{Kind::fire, at("2026-01-01 09:50"), Reason::catch_up, ""});
    CHECK(list[6] == Decision{Kind::fire, at("2026-01-01 10:00"), Reason::catch_up, ""});

    job.policy->overlap = Overlap::skip;
    CHECK(catch_up(job, at("2026-01-01 10:05"), facts)[6].kind == Kind::skip);
    job.policy->overlap = Overlap::allow;
    job.schedule->count = 1;
    CHECK(catch_up(job, at("2026-01-01 10:05"), facts).size() == 6);

    auto each_minute = job_of("* * * * *");
    each_minute.policy->catch_up = CatchUp::all;
    each_minute.policy->catch_up_window = 24h;
    each_minute.policy->overlap = Overlap::allow;
    const auto many = catch_up(each_minute, at("2026-01-01 20:00"), facts);
    REQUIRE(many.size() == limits::missed_rows);
    CHECK(many.front().kind == Kind::missed);
    CHECK(holds(many.front().why, "so were 565 before it"));
    CHECK(std::ranges::count(many, Kind::fire, &Decision::kind) == static_cast<std::ptrdiff_t>(limits::catch_up_runs));
}

TEST_CASE("what comes next leaves out blackouts, pauses and what is finished") {
    auto job = job_of("0 * * * *");
    job.policy->blackout.calendars = {std::make_shared<const Calendar>("night", utc_zone(), std::vector{parse_calendar_week("22:00 - 06:00").value()})};
    CHECK(upcoming(job, at("2026-01-01 21:30"), {}) == at("2026-01-02 06:00"));
    job.policy->blackout.hold = true;
    CHECK(upcoming(job, at("2026-01-01 21:30"), {}) == at("2026-01-02 06:00")); // due right when it ends: in the place of all that it held
    CHECK(upcoming(job, at("2026-01-02 05:30"), {}) == at("2026-01-02 06:00"));
    const auto hourly = job.schedule->cron;
    job.schedule->cron = parse_cron("30 * * * *").value();
    CHECK(upcoming(job, at("2026-01-01 21:45"), {}) == at("2026-01-02 05:30"));
    CHECK(upcoming(job, at("2026-01-02 05:30"), {}) == at("2026-01-02 06:30"));
    job.schedule->cron = hourly;
    Facts facts;
    Pause pause;
    pause.since = at("2026-01-01 12:00");
    pause.until = at("2026-01-01 15:00");
    facts.pauses = std::make_shared<const std::vector<Pause>>(1, pause);
    CHECK(upcoming(job, at("2026-01-01 12:30"), facts) == at("2026-01-01 15:00"));
    pause.until.reset();
    facts.pauses = std::make_shared<const std::vector<Pause>>(1, pause);
    CHECK_FALSE(upcoming(job, at("2026-01-01 12:30"), facts));
    job.schedule->count = 3;
    facts = {};
    facts.started = 3;
    CHECK_FALSE(upcoming(job, at("2026-01-01 12:30"), facts));
}

TEST_CASE("what has its verdict does not come again when the clock was set back before it") {
    auto facts = active_since("2026-01-01 00:00");
    facts.last_due = at("2026-01-01 13:00");
    CHECK(upcoming(job_of("0 * * * *"), at("2026-01-01 12:30"), facts) == at("2026-01-01 14:00"));
    CHECK_FALSE(upcoming(job_of("@at 2026-01-01T13:00:00Z"), at("2026-01-01 12:30"), facts));
}

TEST_CASE("what a blackout holds is the newest that has come, unless one is due right when it ends, or the job is paused") {
    auto job = job_of("30 * * * *");
    job.policy->blackout.calendars = {std::make_shared<const Calendar>("night", utc_zone(), std::vector{parse_calendar_week("22:00 - 06:00").value()})};
    auto facts = active_since("2026-01-01 12:00");
    facts.last_due = at("2026-01-02 03:30");
    CHECK_FALSE(held(job, at("2026-01-02 05:45"), facts)); // it is skipped, not held
    job.policy->blackout.hold = true;
    const auto waits = held(job, at("2026-01-02 05:45"), facts);
    REQUIRE(waits);
    CHECK(waits->due == at("2026-01-02 05:30"));
    CHECK(waits->until == at("2026-01-02 06:00"));
    CHECK_FALSE(held(job, at("2026-01-02 04:45"), facts)); // that of 05:30 will take its place
    CHECK_FALSE(held(job, at("2026-01-02 06:00"), facts));
    job.schedule->cron = parse_cron("0 * * * *").value();
    CHECK_FALSE(held(job, at("2026-01-02 05:45"), facts));
    job.schedule->cron = parse_cron("30 * * * *").value();
    Pause pause;
    pause.since = at("2026-01-02 05:40");
    facts.pauses = std::make_shared<const std::vector<Pause>>(1, pause);
    CHECK_FALSE(held(job, at("2026-01-02 05:45"), facts));
}

TEST_CASE("a splayed start is stable, below the splay and below the next instant") {
    auto job = job_of("*/5 * * * *");
    const auto due = at("2026-01-01 10:00");
    CHECK(splay_of(job, due) == 0ms);
    job.schedule->splay = 20min;
    std::vector<Milliseconds> found;
    for (int i = 0; i < 200; ++i) {
        job.name = "job" + std::to_string(i);
        const auto splay = splay_of(job, due);
        CHECK((splay >= 0ms && splay < 5min));
        CHECK(splay == splay_of(job, due));
        found.push_back(splay);
    }
    std::ranges::sort(found);
    CHECK(std::distance(std::unique(found.begin(), found.end()), found.end()) < 5);
    CHECK(found[10] < 1min);
    job.schedule->splay = 10s;
    CHECK(splay_of(job, due) < 10s);

    // Being late counts from the splayed start.
    job.schedule->splay = 5min;
    const auto start = due + splay_of(job, due);
    CHECK(decide(job, due, start + 30s, {}).reason == Reason::cron);
    CHECK(decide(Job{}, due, due, {}).kind == Kind::nothing);
}

} // namespace loom
