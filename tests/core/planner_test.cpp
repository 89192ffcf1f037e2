#include "planner_rig.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

using namespace loom;
using namespace loom::planning;

namespace {

using namespace std::chrono;
using Kind = Decision::Kind;

} // namespace

TEST_CASE("a planner fires each instant as it comes") {
    Rig rig(job_of("*/10 * * * *"));
    CHECK(rig.activate("2026-01-01 10:05").empty());
    CHECK(rig.wake() == "2026-01-01T10:10:00Z");
    CHECK(rig.due("2026-01-01 10:09:59").empty());
    CHECK(rig.due("2026-01-01 10:10") == "fire 10:10");
    CHECK(rig.due("2026-01-01 10:10:30").empty());
    CHECK(rig.wake() == "2026-01-01T10:20:00Z");
}

TEST_CASE("jobs that are due together go on at their own times, whether they share a schedule or not") {
    const auto hourly = job_of("0 * * * *", "a");
    auto shares = hourly;
    shares.name = "b";
    auto shares_too = hourly;
    shares_too.name = "d";
    Rig rig({hourly, shares, job_of("0 */2 * * *", "c"), shares_too, job_of("0 * * * *", "e")});
    rig.activate("2026-01-01 09:59");
    using Names = std::set<std::string>;
    const auto fired = [&](std::string_view now) {
        Names names;
        for (const auto& [job, decision] : rig.planner.due(at(now)))
            if (decision.kind == Kind::fire && decision.due == at(now)) names.insert(job->name);
        return names;
    };
    CHECK(fired("2026-01-01 10:00") == Names{"a", "b", "c", "d", "e"});
    CHECK(fired("2026-01-01 10:30").empty());
    CHECK(fired("2026-01-01 11:00") == Names{"a", "b", "d", "e"});
    CHECK(fired("2026-01-01 12:00") == Names{"a", "b", "c", "d", "e"});
    CHECK(rig.wake() == "2026-01-01T13:00:00Z");
}

TEST_CASE("a splayed start that is still to come survives a reload") {
    auto job = job_of("0 * * * *");
    job.schedule->splay = 30min;
    const auto start = at("2026-01-01 10:00") + splay_of(job, at("2026-01-01 10:00"));
    REQUIRE(start > at("2026-01-01 10:00:10"));
    Rig rig(job);
    rig.activate("2026-01-01 09:59");
    CHECK(rig.due("2026-01-01 10:00:05").empty());
    CHECK(rig.activate("2026-01-01 10:00:10").empty());
    CHECK(rig.planner.next_wake() == start);
    CHECK(rig.told(rig.planner.due(start)) == "fire 10:00");
    CHECK(rig.last.reason == Reason::cron);
}

TEST_CASE("a schedule ends after its count, which the ledger's runs count towards") {
    auto job = job_of("*/10 * * * *");
    job.schedule->count = 3;
    Rig rig(job);
    Facts facts;
    facts.since = at("2026-01-01 09:00");
    facts.last_due = at("2026-01-01 10:00");
    facts.started = 1;
    rig.known["backup"] = {"*/10 * * * *", facts};
    CHECK(rig.activate("2026-01-01 10:05").empty());
    CHECK(rig.due("2026-01-01 10:10") == "fire 10:10");
    CHECK(rig.due("2026-01-01 10:20") == "fire 10:20");
    CHECK(rig.wake() == "never");
    CHECK(rig.due("2026-01-01 10:30").empty());
}

TEST_CASE("what a blackout skips is told one by one") {
    auto job = job_of("*/10 * * * *");
    job.policy->blackout.calendars = {calendar("10:05 - 10:25")};
    Rig rig(job);
    rig.activate("2026-01-01 09:59");
    CHECK(rig.due("2026-01-01 10:00") == "fire 10:00");
    CHECK(rig.due("2026-01-01 10:10") == "skip 10:10");
    CHECK(rig.last.why == "in a blackout: calendar \"freeze\"");
    CHECK(rig.due("2026-01-01 10:20") == "skip 10:20");
    CHECK(rig.due("2026-01-01 10:30") == "fire 10:30");
}

TEST_CASE("what a blackout holds starts once, right after it") {
    auto job = job_of("*/10 * * * *");
    job.policy->blackout = {{calendar("10:05 - 10:25")}, true};
    Rig rig(job);
    rig.activate("2026-01-01 10:01");
    CHECK(rig.due("2026-01-01 10:10").empty());
    CHECK(rig.activate("2026-01-01 10:12").empty()); // a reload forgets nothing
    CHECK(rig.due("2026-01-01 10:20") == "skip 10:10");
    CHECK(rig.last.why == "held by a blackout (calendar \"freeze\") until 2026-01-01T10:25:00Z, but a later one was due at "
                          "2026-01-01T10:20:00Z");
    CHECK(rig.wake() == "2026-01-01T10:25:00Z");
    CHECK(rig.due("2026-01-01 10:25") == "fire 10:20");
    CHECK(rig.last.reason == Reason::cron);
    CHECK(rig.due("2026-01-01 10:30") == "fire 10:30");

    // The daemon was down while it was held, and for a while after.
    Rig late(job, "2026-01-01 10:00");
    CHECK(late.activate("2026-01-01 10:28") == "skip 10:10, fire 10:20");
    CHECK(late.last.reason == Reason::catch_up);
}

TEST_CASE("an instant that is due right when a blackout ends takes the place of what was held") {
    auto job = job_of("*/10 * * * *");
    job.policy->blackout = {{calendar("10:05 - 10:30")}, true};
    job.policy->catch_up = GENERATE(CatchUp::skip, CatchUp::last, CatchUp::all);
    Rig rig(job);
    rig.activate("2026-01-01 10:01");
    CHECK(rig.due("2026-01-01 10:10").empty());
    CHECK(rig.due("2026-01-01 10:20") == "skip 10:10");
    CHECK(rig.wake() == "2026-01-01T10:30:00Z");
    CHECK(rig.due("2026-01-01 10:30") == "skip 10:20, fire 10:30");

    Rig late(job, "2026-01-01 10:00");
    CHECK(late.activate("2026-01-01 10:30:20") == "skip 10:10, skip 10:20, fire 10:30");
}

TEST_CASE("a late start waits for the end of a blackout, or is skipped in it") {
    auto job = job_of("0 * * * *");
    job.policy->blackout = {{calendar("10:05 - 14:25")}, true};
    Rig rig(job, "2026-01-01 09:00");
    CHECK(rig.activate("2026-01-01 10:10").empty());
    CHECK(rig.due("2026-01-01 11:00") == "missed 10:00");
    job.schedule->cron = parse_cron("0 10 * * *").value();
    Rig daily(job, "2026-01-01 09:00");
    CHECK(daily.activate("2026-01-01 10:10").empty());
    CHECK(daily.wake() == "2026-01-01T14:25:00Z");
    CHECK(daily.due("2026-01-01 14:25") == "fire 10:00");
    job.policy->blackout.hold = false;
    Rig skipping(job, "2026-01-01 09:00");
    CHECK(skipping.activate("2026-01-01 10:10") == "skip 10:00");
}

TEST_CASE("a pause starts nothing, and its instants get one row when it is over") {
    Rig rig(job_of("*/10 * * * *"));
    rig.activate("2026-01-01 09:55");
    CHECK(rig.due("2026-01-01 10:00") == "fire 10:00");
    CHECK(rig.pause({pause_of("2026-01-01 10:05")}, "2026-01-01 10:05").empty());
    CHECK(rig.wake() == "never");
    CHECK(rig.due("2026-01-01 10:20").empty());
    CHECK(rig.activate("2026-01-01 10:25").empty());
    CHECK(rig.pause({pause_of("2026-01-01 10:05", {}, "2026-01-01 10:35")}, "2026-01-01 10:35") == "skip 10:30");
    CHECK(rig.last.why == "paused from 2026-01-01T10:05:00Z to 2026-01-01T10:35:00Z by user:anna, 3 times passed over: the disk is full");
    CHECK(rig.activate("2026-01-01 10:36").empty());
    CHECK(rig.due("2026-01-01 10:40") == "fire 10:40");
}

TEST_CASE("a pause until a time ends by itself, also while nobody looks") {
    const auto pause = pause_of("2026-01-01 10:05", "2026-01-01 10:25");
    Rig rig(job_of("*/10 * * * *"));
    rig.activate("2026-01-01 10:01");
    rig.pause({pause}, "2026-01-01 10:05");
    CHECK(rig.wake() == "2026-01-01T10:25:00Z");
    CHECK(rig.due("2026-01-01 10:25") == "skip 10:20");
    CHECK(rig.due("2026-01-01 10:30") == "fire 10:30");

    Rig later(job_of("*/10 * * * *"), "2026-01-01 10:00");
    later.pause({pause}, "2026-01-01 10:45");
    CHECK(later.activate("2026-01-01 10:45") == "skip 10:20, missed 10:30, fire 10:40");
    Rig nothing(job_of("0 3 * * *"));
    nothing.pause({pause}, "2026-01-01 10:45");
    CHECK(nothing.activate("2026-01-01 10:45").empty());
}

TEST_CASE("a pause of every job and one of a job's own last until both are over") {
    auto own = pause_of("2026-01-01 10:05");
    own.job = "a";
    Rig rig(std::vector{job_of("*/10 * * * *", "a"), job_of("*/10 * * * *", "b")});
    rig.activate("2026-01-01 10:01");
    rig.pause({own, pause_of("2026-01-01 10:15")}, "2026-01-01 10:15");
    CHECK(rig.planner.next_wake() == std::nullopt);
    own.resumed = at("2026-01-01 10:25");
    rig.pause({own, pause_of("2026-01-01 10:15")}, "2026-01-01 10:25");
    CHECK(rig.due("2026-01-01 10:30").empty());
    CHECK(rig.pause({own, pause_of("2026-01-01 10:15", {}, "2026-01-01 10:35")}, "2026-01-01 10:35").ends_with("skip 10:30"));
    CHECK(rig.due("2026-01-01 10:40") == "fire 10:40, fire 10:40");
}

TEST_CASE("a clock that is set back runs nothing twice and goes on where nothing ran") {
    for (const auto step : {1s, 30s, 3600s, 86400s}) {
        CAPTURE(step.count());
        Rig rig(job_of("* * * * *"));
        rig.activate("2026-01-01 00:00:30");
        const auto noon = at("2026-01-03 12:00");
        for (auto now = at("2026-01-01 00:01"); now <= noon; now += 1min) REQUIRE(rig.planner.due(now).size() == 1);
        for (auto now = noon - step; now <= noon; now += 30s) CHECK(rig.planner.due(now).empty());
        CHECK(rig.told(rig.planner.due(noon + 1min)) == "fire 12:01");
    }
}

TEST_CASE("a clock that jumps ahead costs bounded rows, and set back again the job goes on") {
    for (const auto jump : {120s, 86400s, 365 * 86400s}) {
        CAPTURE(jump.count());
        Rig rig(job_of("* * * * *"));
        rig.activate("2026-01-01 10:00:30");
        CHECK(rig.due("2026-01-01 10:01") == "fire 10:01");
        std::set<Instant> told;
        const auto ahead = rig.planner.due(at("2026-01-01 10:01:30") + jump);
        CHECK(ahead.size() <= limits::missed_rows);
        CHECK(ahead.back().decision.kind == Kind::fire);
        for (const auto& [job, decision] : ahead) told.insert(decision.due);
        const bool gap = jump > 120s;
        CHECK(rig.due("2026-01-01 10:02") == (gap ? "fire 10:02" : ""));
        CHECK(rig.due("2026-01-01 10:03") == (gap ? "fire 10:03" : ""));
        // When the time of the jump comes, what has a row is left alone.
        const auto before = *told.begin() - 1min;
        if (gap) rig.planner.due(before);
        for (auto now = before + 1min; now <= *told.rbegin(); now += 1min) CHECK(rig.planner.due(now).empty());
        CHECK(rig.planner.due(*told.rbegin() + 1min).size() == 1);
    }
}

TEST_CASE("a ledger from the future stops no job") {
    Facts facts;
    facts.since = at("2027-01-01");
    facts.last_due = at("2027-03-01 10:00");
    Rig rig(job_of("*/10 * * * *"));
    rig.known["backup"] = {"*/10 * * * *", facts};
    CHECK(rig.activate("2026-01-01 10:05").empty());
    CHECK(rig.due("2026-01-01 10:10") == "fire 10:10");
    CHECK(rig.planner.due(at("2027-03-01 10:00")).size() == limits::missed_rows - 1);
}

TEST_CASE("an update of the zone database makes up for nothing") {
    auto job = job_of("0 3 * * *");
    const auto zone = [](seconds offset) { return std::make_shared<const Zone>("Mars/Base", std::vector<Zone::Transition>{{sys_seconds::min(), offset}}); };
    job.schedule->zone = zone(2h);
    Rig rig(job);
    rig.activate("2026-01-01 00:30");
    CHECK(rig.due("2026-01-01 01:00") == "fire 01:00");
    job.schedule->zone = zone(1h);
    rig.set({job});
    CHECK(rig.activate("2026-01-01 02:30").empty()); // 02:00 would be 03:00 there by the new rule
    CHECK(rig.wake() == "2026-01-02T02:00:00Z");
}

TEST_CASE("a job that is put back into the configuration makes up for nothing, but for what is on time") {
    const auto job = job_of("*/10 * * * *");
    Rig rig(job, "2026-01-01 10:00");
    rig.activate("2026-01-01 10:05");
    CHECK(rig.due("2026-01-01 10:10") == "fire 10:10");
    rig.known["backup"].facts.last_due = at("2026-01-01 10:10");
    rig.set({});
    CHECK(rig.activate("2026-01-01 10:15").empty());
    rig.set({job});
    CHECK(rig.activate("2026-01-01 10:45") == "skip 10:40");
    CHECK(rig.last.why == "the job, or its schedule, was not configured: 3 times passed over");
    CHECK(rig.due("2026-01-01 10:50") == "fire 10:50");
    rig.known["backup"].facts.last_due = at("2026-01-01 10:50");

    auto unscheduled = job;
    unscheduled.schedule.reset();
    rig.set({unscheduled});
    rig.activate("2026-01-01 10:55");
    rig.set({job});
    CHECK(rig.activate("2026-01-01 11:10:30") == "skip 11:00, fire 11:10");
    CHECK(rig.wake() == "2026-01-01T11:20:00Z");
}

TEST_CASE("a job that was quarantined for a while catches up") {
    const auto job = job_of("*/10 * * * *");
    for (const std::string name : {"backup", ""}) { // itself, or a manifest, which may have held it
        Rig rig(job, "2026-01-01 10:00");
        rig.activate("2026-01-01 10:05");
        auto broken = std::make_shared<Catalog>();
        broken->problems.push_back({Problem::Kind::quarantined, name, "jobs/web.yaml:3:5", "unknown key"});
        rig.catalog = broken;
        rig.activate("2026-01-01 10:06");
        rig.set({job});
        CHECK(rig.activate("2026-01-01 10:25") == "missed 10:10, fire 10:20");
    }
}

TEST_CASE("a history of many gaps forgets none of what it has decided") {
    History history;
    std::vector<Instant> dues;
    for (int i = 0; i < 3 * static_cast<int>(limits::clock_stretches); ++i) {
        Decision decision;
        decision.due = at("2026-01-01 00:00") + hours(i * i);
        dues.push_back(decision.due);
        history.add(decision, true);
    }
    for (const auto due : dues) CHECK(history.has(due));
    CHECK(!history.has(dues.back() - 1h)); // the widest gaps are still open
    CHECK(history.first_open(dues.back() - 1h) == dues.back() - 1h);
}

TEST_CASE("wherever the clock goes, no instant of a job gets two verdicts") {
    const std::size_t rounds = tests::given_seed() ? 1 : std::getenv("LOOM_TEST_LONG") ? 1000 : std::getenv("LOOM_TEST_SHORT") ? 5 : 25;
    for (std::size_t round = 0; round < rounds; ++round) {
        const auto seed = tests::fresh_seed();
        INFO("LOOM_SEED=" << seed);
        std::mt19937 random(seed);
        const auto one_of = [&](const auto&... choices) {
            const std::array<std::common_type_t<std::decay_t<decltype(choices)>...>, sizeof...(choices)> list{choices...};
            return list[random() % list.size()];
        };
        std::vector<Job> jobs;
        for (const auto* name : {"a", "b", "c"}) {
            auto job = job_of(one_of("* * * * *", "*/7 * * * *", "0 * * * *", "0 3 * * *", "@every 90s", "30 2 * * sun", "0 0 1 * *"), name);
            job.schedule->zone = find_zone(one_of("UTC", "Europe/Berlin", "Australia/Lord_Howe")).value();
            job.schedule->splay = one_of(0min, 0min, 5min, 90min);
            job.schedule->count = random() % 8 == 0 ? 20 : 0;
            job.policy->catch_up = one_of(CatchUp::skip, CatchUp::last, CatchUp::all);
            job.policy->catch_up_window = one_of(10min, 60min, 60 * 24min);
            job.policy->catch_up_max = one_of(1u, 5u, 99u);
            if (random() % 2 == 0) job.policy->blackout = {{calendar(one_of("22:00 - 06:00", "sat - sun", "10:00 - 10:30"))}, random() % 2 == 0};
            if (random() % 8 == 0) job.schedule->only = {calendar("mon - fri")};
            jobs.push_back(std::move(job));
        }
        Rig rig(jobs);
        std::set<std::pair<std::string, Instant>> told;
        std::map<std::string, std::uint32_t> fired;
        auto now = at("2026-03-27 20:00") + seconds(random() % (86400 * 300));
        const auto take = [&](const std::vector<Planned>& planned) {
            std::map<std::string, std::size_t> rows;
            for (const auto& [job, decision] : planned) {
                const bool fires = decision.kind == Kind::fire;
                const bool late = decision.reason == Reason::catch_up;
                const char* wrong = nullptr;
                if (!told.emplace(job->name, decision.due).second) wrong = "a second verdict";
                else if (++rows[job->name] > limits::missed_rows) wrong = "too many rows at once";
                else if (fires && decision.due > now) wrong = "too early";
                else if (fires && late && calendar_at(job->policy->blackout.calendars, now)) wrong = "late in a blackout";
                else if (fires && job->schedule->count > 0 && ++fired[job->name] > job->schedule->count) wrong = "beyond its count";
                if (!wrong) continue;
                CAPTURE(wrong, job->name, job->schedule->text, decision.why, to_rfc3339(decision.due), to_rfc3339(now));
                FAIL();
            }
        };
        std::vector<Pause> pauses;
        take(rig.planner.activate(rig.catalog, {}, now).planned);
        int jumps = 0;
        for (int step = 0; step < 300; ++step) {
            const auto kind = random() % 40;
            if (kind == 0 && jumps++ < 8) now += one_of(1s, 61s, 3600s, 86400s, 40 * 86400s, 365 * 86400s);
            else if (kind == 1 && jumps++ < 8) now -= one_of(1s, 61s, 3600s, 86400s, 40 * 86400s, 365 * 86400s);
            else now += seconds(random() % one_of(90u, 600u, 7200u));
            rig.busy = random() % 8 == 0;
            if (kind == 2) take(rig.planner.activate(rig.catalog, {}, now).planned);
            if (kind == 3) {
                if (!pauses.empty() && !pauses.back().resumed) pauses.back().resumed = now;
                else pauses.push_back(pause_of(to_rfc3339(now), random() % 2 == 0 ? to_rfc3339(now + 1h) : std::string{}));
                if (random() % 2 == 0) pauses.back().job = "a";
                take(rig.planner.set_pauses(PauseTable(pauses), now));
            }
            take(rig.planner.due(now));
            if (const auto wake = rig.planner.next_wake(); wake && *wake <= now) FAIL("what is due was not taken");
        }
    }
}
