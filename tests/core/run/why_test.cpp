#include "core/run/why.hpp"

#include "core/schedule/decide.hpp"
#include "support/catch.hpp"
#include "support/memory_store.hpp"

#include <algorithm>

namespace loom {
namespace {

using namespace std::chrono;

Instant at(std::string_view text) { return parse_instant(text).value(); }

/// A catalog of jobs, the ledger, and the present.
struct Bench {
    MemoryStore store;
    std::shared_ptr<Catalog> catalog = std::make_shared<Catalog>();
    Instant now = at("2026-11-28 09:00");
    bool serving = true;

    Job& job(std::string name, std::string_view schedule = "", std::string_view zone = "Europe/Berlin") {
        Job job;
        job.name = std::move(name);
        *job.nodes = {"a", "b"};
        if (!schedule.empty()) {
            job.schedule.emplace();
            job.schedule->text = schedule;
            job.schedule->cron = parse_cron(schedule, job.name).value();
            job.schedule->zone = find_zone(zone).value();
        }
        catalog->jobs.push_back(job);
        return catalog->jobs.back();
    }
    void put(Record record) { REQUIRE(store.commit(std::vector<Record>{std::move(record)}).has_value()); }
    /// From then on the schedule counts.
    void seen(const std::string& job, std::string text, Instant since) { put(ScheduleSeen{job, std::move(text), since}); }
    Run row(std::string id, std::string job, Instant due, Instant started) {
        Run run;
        run.id = std::move(id);
        run.job = std::move(job);
        run.due = due;
        run.claim = claim_of(due);
        run.reason = Reason::cron;
        run.by = "schedule";
        run.started = started;
        run.targets = {"a", "b"};
        run.target_count = 2;
        return run;
    }
    void created(Run run) {
        if (run.state != RunState::running) {
            run.finished = run.started;
            run.targets.clear();
            run.target_count = 0;
        }
        RunCreated record;
        record.run = std::move(run);
        put(std::move(record));
    }
    void node_ended(const std::string& run, std::uint32_t index, NodeState state) {
        NodeFinished record;
        record.run = run;
        record.result.index = index;
        record.result.outcome.state = state;
        put(std::move(record));
    }
    void ended(const std::string& run, RunState state, Instant when, std::string message = {}) {
        RunFinished record;
        record.run = run;
        record.state = state;
        record.at = when;
        record.message = std::move(message);
        put(std::move(record));
    }
    Result<WhyView> ask(std::string subject, std::string when = {}) {
        WhyQuery query;
        query.subject = std::move(subject);
        query.at = std::move(when);
        return answer_why(store, catalog, query, now, serving);
    }
};

using Sentences = std::vector<std::string>;

} // namespace

TEST_CASE("a run on time says so, and how it ended") {
    Bench bench;
    bench.job("backup", "0 2 * * *");
    bench.seen("backup", "0 2 * * *", at("2026-11-01 00:00"));
    bench.created(bench.row("0001-aaaa", "backup", at("2026-11-28 01:00"), at("2026-11-28 01:00:00.020Z")));
    bench.node_ended("0001-aaaa", 0, NodeState::ok);
    bench.node_ended("0001-aaaa", 1, NodeState::failed);
    bench.ended("0001-aaaa", RunState::failed, at("2026-11-28 01:04:00"), "1 of 2 nodes failed: stop_when >= 1");

    const auto why = bench.ask("backup", "02:00").value();
    CHECK(why.verdict == "ran");
    CHECK(why.run == "0001-aaaa");
    CHECK(why.due == "2026-11-28T01:00:00Z");
    CHECK(why.local == "2026-11-28T02:00:00+01:00");
    CHECK(why.because == Sentences{"It was due at 2026-11-28 02:00 in Europe/Berlin and began on time.",
                                   "It ended failed after 3m59s: 1 of 2 nodes failed: stop_when >= 1.",
                                   "2 nodes: 1 ok, 1 failed.", "Next: 2026-11-29 02:00 in Europe/Berlin, in 16h00m."});
    CHECK(bench.ask("backup").value().because == why.because);
    CHECK(bench.ask("0001-a").value().because == why.because);
    CHECK(bench.ask("last").value().run == "0001-aaaa");
}

TEST_CASE("a run that goes on says since when") {
    Bench bench;
    bench.job("backup", "0 * * * *");
    bench.created(bench.row("0001-aaaa", "backup", at("2026-11-28 08:00"), at("2026-11-28 08:00")));
    const auto why = bench.ask("backup", "2026-11-28T08:00Z").value();
    CHECK(why.verdict == "running");
    CHECK(why.because[1] == "It has been running for 1h00m.");
    const auto now = bench.ask("backup").value();
    CHECK(now.because.back() ==
          "Run 0001-aaaa is in flight since 2026-11-28 09:00: if it has not ended by then, the instant is skipped (overlap: skip).");
}

TEST_CASE("a late start is a catch-up, a splay, or just late") {
    Bench bench;
    auto& job = bench.job("backup", "0 * * * *");
    auto run = bench.row("0001-aaaa", "backup", at("2026-11-28 07:00"), at("2026-11-28 07:20"));
    run.reason = Reason::catch_up;
    bench.created(run);
    CHECK(bench.ask("backup", "2026-11-28T07:00Z").value().because[0] ==
          "It was due at 2026-11-28 08:00 in Europe/Berlin and began 20m00s later, as a catch-up: nothing had started it on time.");
    bench.created(bench.row("0002-aaaa", "backup", at("2026-11-28 08:00"), at("2026-11-28 08:00:30")));
    CHECK(bench.ask("backup", "2026-11-28T08:00Z").value().because[0] ==
          "It was due at 2026-11-28 09:00 in Europe/Berlin and began 30s later.");
    job.schedule->splay = 10min;
    const auto splay = splay_of(job, at("2026-11-28 06:00"));
    bench.created(bench.row("0003-aaaa", "backup", at("2026-11-28 06:00"), at("2026-11-28 06:00") + splay));
    CHECK(bench.ask("backup", "2026-11-28T06:00Z").value().because[0] ==
          "It was due at 2026-11-28 07:00 in Europe/Berlin and began " + short_duration(splay) + " later, by the job's splay.");
}

TEST_CASE("a skipped instant names the run that was in the way") {
    Bench bench;
    bench.job("sync", "*/5 * * * *", "UTC");
    bench.created(bench.row("0001-aaaa", "sync", at("2026-11-28 08:00"), at("2026-11-28 08:00")));
    auto skipped = bench.row("0002-aaaa", "sync", at("2026-11-28 08:05"), at("2026-11-28 08:05"));
    skipped.state = RunState::skipped;
    skipped.message = "the job's run before has not ended (overlap: skip)";
    bench.created(skipped);
    bench.ended("0001-aaaa", RunState::ok, at("2026-11-28 08:07"));
    const auto why = bench.ask("sync", "08:05").value();
    CHECK(why.verdict == "skipped");
    CHECK(why.because ==
          Sentences{"It was due at 2026-11-28 08:05 in UTC and did not run: the job's run before has not ended (overlap: skip).",
                    "In the way was run 0001-aaaa, which began at 2026-11-28 08:00 and ended at 2026-11-28 08:07 (ok).",
                    "Next: 2026-11-28 09:05 in UTC, in 5m00s."});

    skipped.id = "0003-aaaa", skipped.due = skipped.started = at("2026-11-28 08:06"), skipped.claim = claim_of(*skipped.due);
    skipped.message = "in a blackout: calendar \"freeze\"";
    bench.created(skipped);
    CHECK(bench.ask("sync", "08:06").value().because[1].starts_with("Next: "));
}

TEST_CASE("a run that ended while it waited did not run, or began on no node") {
    Bench bench;
    bench.job("sync", "*/5 * * * *", "UTC");
    const auto five = at("2026-11-28 08:05"), ten = at("2026-11-28 08:10");
    bench.created(bench.row("0002-aaaa", "sync", five, five));
    bench.created(bench.row("0003-aaaa", "sync", ten, ten));
    for (const auto* id : {"0002-aaaa", "0003-aaaa"})
        for (const std::uint32_t index : {0U, 1U}) bench.node_ended(id, index, NodeState::not_started);
    bench.ended("0002-aaaa", RunState::skipped, ten, "run 0003-aaaa takes its place (overlap: buffer_one)");
    bench.ended("0003-aaaa", RunState::cancelled, at("2026-11-28 08:11"), "cancelled");
    CHECK(bench.ask("sync", "08:05").value().verdict == "skipped");
    CHECK(bench.ask("sync", "08:05").value().because[0].ends_with(" and did not run: run 0003-aaaa takes its place (overlap: buffer_one)."));
    CHECK(bench.ask("sync", "08:10").value().because[0] == "It was due at 2026-11-28 08:10 in UTC and began on no node.");
}

TEST_CASE("a missed instant says what kept it, and when that was decided") {
    Bench bench;
    bench.job("backup", "0 2 * * *", "UTC");
    auto missed = bench.row("0001-aaaa", "backup", at("2026-11-28 02:00"), at("2026-11-28 08:00"));
    missed.state = RunState::missed;
    missed.message = "not started on time, and 6h00m late is beyond the catch-up window of 1h00m";
    bench.created(missed);
    const auto why = bench.ask("backup", "02:00").value();
    CHECK(why.verdict == "missed");
    CHECK(why.because[0] == "It was due at 2026-11-28 02:00 in UTC and did not run: not started on time, and 6h00m late is beyond "
                            "the catch-up window of 1h00m.");
    CHECK(why.because[1] == "That was decided at 2026-11-28 08:00, 6h00m later.");
}

TEST_CASE("what a person started says who it was") {
    Bench bench;
    bench.job("deploy");
    auto run = bench.row("0001-aaaa", "deploy", {}, at("2026-11-28 08:00"));
    run.due.reset();
    run.claim.reset();
    run.reason = Reason::manual;
    run.by = "user:anna";
    bench.created(run);
    const auto why = bench.ask("deploy").value();
    CHECK(why.because[0] == "user:anna started it by hand at 2026-11-28 08:00 in UTC.");
    CHECK(why.because.back() == "deploy has no schedule: it is started by hand.");
    run.id = "0002-aaaa";
    run.reason = Reason::retry;
    run.of = "0001-aaaa";
    bench.created(run);
    CHECK(bench.ask("0002").value().because[0] == "user:anna started it to repeat run 0001-aaaa at 2026-11-28 08:00 in UTC.");
}

TEST_CASE("a time that is none of the schedule is told with the instants around it") {
    Bench bench;
    bench.job("backup", "0 2 * * *");
    const auto why = bench.ask("backup", "2026-11-28T03:00").value();
    CHECK(why.verdict == "not_due");
    CHECK_FALSE(why.due);
    CHECK(why.because == Sentences{"backup is not due at 2026-11-28 03:00 in Europe/Berlin: `0 2 * * *` means at 02:00 every day.",
                                   "The instants around it are 2026-11-28 02:00 and 2026-11-29 02:00.",
                                   "Next: 2026-11-29 02:00 in Europe/Berlin, in 16h00m."});
}

TEST_CASE("an instant of the expression outside of the schedule's bounds says which one") {
    Bench bench;
    auto& schedule = *bench.job("backup", "0 2 * * *", "UTC").schedule;
    const auto told = [&](const char* when, std::string_view words) {
        const auto why = bench.ask("backup", when).value();
        return why.verdict == "not_due" && std::ranges::count(why.because, words) == 1;
    };
    schedule.start = at("2026-12-01 00:00"), schedule.end = at("2026-12-10 00:00");
    CHECK(told("2026-11-30T02:00", "It is due only from 2026-12-01 00:00 on (start)."));
    CHECK(told("2026-12-10T02:00", "It is due only until 2026-12-10 00:00 (end)."));
    schedule.only = {
        std::make_shared<const Calendar>("sundays", utc_zone(), std::vector<CalendarRule>{parse_calendar_week("sun").value()})};
    CHECK(told("2026-12-05T02:00", "It is due only while a calendar holds: \"sundays\" (only)."));
}

TEST_CASE("a schedule that has started all of its runs is due no more, and says so") {
    Bench bench;
    bench.job("backup", "0 * * * *", "UTC").schedule->count = 1;
    bench.seen("backup", "0 * * * * UTC", at("2026-11-28 05:30"));
    bench.created(bench.row("0001-aaaa", "backup", at("2026-11-28 06:00"), at("2026-11-28 06:00")));
    bench.ended("0001-aaaa", RunState::ok, at("2026-11-28 06:01"));
    const std::string words = "its schedule has started as many runs as it may (count: 1).";
    for (const std::string when : {"08:00", "10:00"})
        CHECK(bench.ask("backup", when).value().because[0] == "backup is not due at 2026-11-28 " + when + " in UTC: " + words);
    CHECK(bench.ask("backup", "10:00").value().verdict == "not_due");
    CHECK(bench.ask("backup").value().because.back() == "Its schedule has nothing left to start.");

    bench.job("once", "@at 2026-11-28T08:00:00Z", "UTC");
    bench.seen("once", "@at 2026-11-28T08:00:00Z UTC", at("2026-11-28 07:00"));
    CHECK(bench.ask("once").value().because.back().starts_with("What was due at 2026-11-28 08:00 in UTC is not decided yet"));
}

TEST_CASE("the instants before one to come are counted too") {
    Bench bench;
    auto& job = bench.job("backup", "0 * * * *", "UTC");
    job.schedule->count = 3;
    bench.seen("backup", "0 * * * *", at("2026-11-28 05:30"));
    bench.created(bench.row("0001-aaaa", "backup", at("2026-11-28 08:00"), at("2026-11-28 08:00")));
    CHECK(bench.ask("backup", "10:00").value().verdict == "will_run");
    CHECK(bench.ask("backup", "11:00").value().verdict == "will_run");
    const auto third = bench.ask("backup", "12:00").value();
    CHECK(third.verdict == "not_due");
    CHECK(third.because[0] ==
          "backup is not due at 2026-11-28 12:00 in UTC: its schedule will have started as many runs as it may by then (count: 3).");
    // Of those that a blackout holds one runs.
    const auto calendar = [](const char* week) {
        return std::make_shared<const Calendar>("freeze", utc_zone(), std::vector{parse_calendar_week(week).value()});
    };
    job.blackout = {{calendar("09:30 - 12:30")}, true};
    CHECK(bench.ask("backup", "13:00").value().verdict == "will_run");
    CHECK(bench.ask("backup", "14:00").value().verdict == "not_due");
    job.blackout.hold = false;
    CHECK(bench.ask("backup", "14:00").value().verdict == "will_run");
    CHECK(bench.ask("backup", "15:00").value().verdict == "not_due");
}

TEST_CASE("a whole minute is matched, and a second where one is given") {
    Bench bench;
    bench.job("tick", "15 * * * * *", "UTC");
    CHECK(bench.ask("tick", "10:00").value().due == "2026-11-28T10:00:15Z");
    CHECK(bench.ask("tick", "10:00:15").value().due == "2026-11-28T10:00:15Z");
    CHECK(bench.ask("tick", "10:00:14").value().verdict == "not_due");
}

TEST_CASE("an instant to come is told with what may still keep it") {
    Bench bench;
    bench.job("backup", "0 2 * * *").nodes->clear();
    bench.serving = false;
    const auto why = bench.ask("backup", "2026-11-29T02:00").value();
    CHECK(why.verdict == "will_run");
    CHECK(why.because ==
          Sentences{"It will run at 2026-11-29 02:00 in Europe/Berlin, in 16h00m: `0 2 * * *` means at 02:00 every day.",
                    "The job has no target now.",
                    "No daemon is running, and only a daemon starts jobs by their schedule: `loom serve`."});
}

TEST_CASE("an instant to come in a blackout will be skipped, or held") {
    Bench bench;
    auto& job = bench.job("backup", "0 2 * * *", "UTC");
    job.blackout.calendars = {
        std::make_shared<const Calendar>("sundays", utc_zone(), std::vector<CalendarRule>{parse_calendar_week("sun").value()})};
    const auto skipped = bench.ask("backup", "2026-11-29T02:00").value();
    CHECK(skipped.verdict == "will_skip");
    CHECK(skipped.because == Sentences{"It will not run at 2026-11-29 02:00 in UTC, in 17h00m: in a blackout: calendar \"sundays\".",
                                       "Next: 2026-11-30 02:00 in UTC, in 1d17h."});
    job.blackout.hold = true;
    const auto held = bench.ask("backup", "2026-11-29T02:00").value();
    CHECK(held.verdict == "will_run");
    CHECK(held.because[1] == "It is held until 2026-11-30 00:00: calendar \"sundays\".");
}

TEST_CASE("of the instants that a blackout will hold only the newest runs") {
    Bench bench;
    auto& job = bench.job("backup", "0 */6 * * *", "UTC");
    job.blackout.hold = true;
    job.blackout.calendars = {
        std::make_shared<const Calendar>("sundays", utc_zone(), std::vector<CalendarRule>{parse_calendar_week("sun").value()})};
    const auto older = bench.ask("backup", "2026-11-29T06:00").value();
    CHECK(older.verdict == "will_skip");
    CHECK(older.because[0] == "It will not run at 2026-11-29 06:00 in UTC, in 21h00m: held by a blackout (calendar \"sundays\") until "
                              "2026-11-30T00:00:00Z, but a later one was due at 2026-11-29T12:00:00Z.");
}

TEST_CASE("a pause is told: what it keeps from running, and what fell into it") {
    Bench bench;
    bench.job("backup", "0 * * * *", "UTC");
    bench.seen("backup", "0 * * * * UTC", at("2026-11-01 00:00"));
    Pause pause;
    pause.job = "backup";
    pause.since = at("2026-11-28 07:30");
    pause.until = at("2026-11-28 11:30");
    pause.by = "user:anna";
    pause.reason = "the disk is full";
    bench.put(JobPaused{pause});
    const auto words = "backup is paused from 2026-11-28T07:30:00Z to 2026-11-28T11:30:00Z by user:anna: the disk is full.";
    CHECK(bench.ask("backup").value().because ==
          Sentences{"backup has not run yet.", words, "Next: 2026-11-28 12:00 in UTC, in 3h00m."});
    const auto later = bench.ask("backup", "10:00").value();
    CHECK(later.verdict == "will_skip");
    CHECK(later.because.front() == std::string("It will not run at 2026-11-28 10:00 in UTC, in 1h00m: ") + words);
    const auto before = bench.ask("backup", "08:00").value();
    CHECK(before.verdict == "not_recorded");
    CHECK(before.because.front().find("fell into a pause: backup was paused from") != std::string::npos);
}

TEST_CASE("a job without a schedule says what it follows") {
    Bench bench;
    bench.job("report").after = {{"backup", After::When::always}};
    CHECK(bench.ask("report").value().because == Sentences{"report has not run yet.", "It follows backup (always)."});
}

TEST_CASE("a change of the clocks is told where it matters") {
    Bench bench;
    bench.job("backup", "30 2 * * *");
    bench.now = at("2027-03-27 12:00");
    const auto gap = bench.ask("backup", "2027-03-28T02:30").value();
    CHECK(gap.verdict == "will_run");
    CHECK(gap.because[1] == "02:30 does not exist on 2027-03-28 in Europe/Berlin: runs at 03:00.");
    bench.catalog->jobs[0].schedule->gap = Gap::skip;
    const auto skipped = bench.ask("backup", "2027-03-28T02:30").value();
    CHECK(skipped.verdict == "not_due");
    CHECK(std::ranges::count(skipped.because, "02:30 does not exist on 2027-03-28 in Europe/Berlin: does not run.") == 1);
}

TEST_CASE("an instant without a row says why there is none") {
    Bench bench;
    bench.job("backup", "0 * * * *", "UTC");
    const auto because = [&](const char* when) { return bench.ask("backup", when).value(); };
    CHECK(because("08:00").verdict == "not_recorded");
    CHECK(because("08:00").because[0] ==
          "It was due at 2026-11-28 08:00 in UTC, but no daemon has taken this job's schedule up yet, so nothing is made up for it.");

    bench.seen("backup", "0 * * * *", at("2026-11-28 04:30"));
    CHECK(because("04:00").verdict == "too_early");
    CHECK(because("04:00").because[0] ==
          "It was not to run at 2026-11-28 04:00 in UTC: the job has had its schedule `0 * * * *` since 2026-11-28 04:30 only.");

    bench.created(bench.row("0001-aaaa", "backup", at("2026-11-28 06:00"), at("2026-11-28 06:00")));
    CHECK(because("05:00").verdict == "not_recorded");
    CHECK(because("05:00").because[0].starts_with("It was due at 2026-11-28 05:00 in UTC, and no row tells what became of it"));

    bench.ended("0001-aaaa", RunState::ok, at("2026-11-28 06:01"));
    bench.serving = false;
    bench.now = at("2026-11-28 08:30");
    const auto older = because("07:00"), newest = because("08:00");
    CHECK(older.because[0] == "It was due at 2026-11-28 07:00 in UTC, and no daemon has been running since to start it.");
    CHECK(older.because[1] == "A daemon that starts now would record it as missed: not started on time, and a later one was due at "
                              "2026-11-28T08:00:00Z.");
    CHECK(newest.because[1] == "A daemon that starts now would run it, as a catch-up.");
}

TEST_CASE("a job that is gone or quarantined keeps its history") {
    Bench bench;
    bench.created(bench.row("0001-aaaa", "gone", at("2026-11-28 06:00"), at("2026-11-28 06:00")));
    CHECK(bench.ask("gone").value().because.back() == "gone is not configured any more.");
    Problem problem;
    problem.kind = Problem::Kind::quarantined;
    problem.job = "broken";
    problem.place = "jobs/web.yaml:3:5";
    problem.message = "unknown key \"comand\"";
    bench.catalog->problems = {problem};
    const auto why = bench.ask("broken").value();
    CHECK(why.verdict == "never_ran");
    CHECK(why.because == Sentences{"broken has not run yet.", "broken cannot run now: jobs/web.yaml:3:5: unknown key \"comand\"."});
}

TEST_CASE("what is neither a job nor a run is an error with the near name") {
    Bench bench;
    bench.job("backup", "0 2 * * *");
    const auto unknown = bench.ask("bakcup");
    REQUIRE(unknown.has_error());
    CHECK(unknown.error().code == Errc::not_found);
    CHECK(unknown.error().message == "there is no job \"bakcup\" (did you mean \"backup\"?)");
    CHECK(bench.ask("bakcup", "02:00").error().code == Errc::not_found);
    CHECK(bench.ask("0123").error().message == "no run \"0123\"");
    const auto time = bench.ask("backup", "noon");
    CHECK(time.error().code == Errc::usage);
    CHECK(time.error().message.starts_with("backup@noon: \"noon\" is not a time"));
}

} // namespace loom
