#include "why_bench.hpp"

#include <algorithm>

namespace loom {

using namespace std::chrono;
using namespace tests;

TEST_CASE("a time that is none of the schedule is told with the instants around it") {
    WhyBench bench;
    bench.job("backup", "0 2 * * *");
    const auto why = bench.ask("backup", "2026-11-28T03:00").value();
    CHECK(why.verdict == "not_due");
    CHECK_FALSE(why.due);
    CHECK(why.because == Sentences{"backup is not due at 2026-11-28 03:00 in Europe/Berlin: `0 2 * * *` means at 02:00 every day.",
                                   "The instants around it are 2026-11-28 02:00 and 2026-11-29 02:00.",
                                   "Next: 2026-11-29 02:00 in Europe/Berlin, in 16h00m."});
}

TEST_CASE("an instant of the expression outside of the schedule's bounds says which one") {
    WhyBench bench;
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
    WhyBench bench;
    bench.job("backup", "0 * * * *", "UTC").schedule->count = 1;
    bench.seen("backup", "0 * * * * UTC", at("2026-11-28 05:30"));
    bench.created(bench.row("0001-aaaa", "backup", at("2026-11-28 06:00"), at("2026-11-28 06:00")));
    bench.ended("0001-aaaa", RunState::ok, at("2026-11-28 06:01"));
    const std::string words = "its schedule has started as many runs as it may (count: 1).";
    for (const std::string when : {"08:00", "10:00"})
        CHECK(bench.ask("backup", when).value().because[0] == "backup is not due at 2026-11-28 " + when + " in UTC: " + words);
    CHECK(bench.ask("backup", "10:00").value().verdict == "not_due");
    CHECK(bench.ask("backup").value().because.back() == "Its schedule has nothing left to start.");

    bench.job("often", "*/30 * * * * *", "UTC").schedule->count = 1;
    bench.seen("often", "*/30 * * * * * UTC", at("2026-11-28 05:30"));
    bench.created(bench.row("0002-aaaa", "often", at("2026-11-28 06:00"), at("2026-11-28 06:00")));
    CHECK(std::ranges::count(bench.ask("often", "10:00").value().because, "2 instants lie within that minute: 10:00:00 (not due), 10:00:30 (not due). "
                                                                          "Ask for one by its second, as in often@2026-11-28T10:00:30.") == 1);

    bench.job("once", "@at 2026-11-28T08:00:00Z", "UTC");
    bench.seen("once", "@at 2026-11-28T08:00:00Z UTC", at("2026-11-28 07:00"));
    CHECK(bench.ask("once").value().because.back().starts_with("What was due at 2026-11-28 08:00 in UTC is not decided yet"));
}

TEST_CASE("the instants before one to come are counted too") {
    WhyBench bench;
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
    job.policy->blackout = {{calendar("09:30 - 12:30")}, true};
    CHECK(bench.ask("backup", "13:00").value().verdict == "will_run");
    CHECK(bench.ask("backup", "14:00").value().verdict == "not_due");
    job.policy->blackout.hold = false;
    CHECK(bench.ask("backup", "14:00").value().verdict == "will_run");
    CHECK(bench.ask("backup", "15:00").value().verdict == "not_due");
}

TEST_CASE("a whole minute is matched, and a second where one is given") {
    WhyBench bench;
    bench.job("tick", "15 * * * * *", "UTC");
    CHECK(bench.ask("tick", "10:00").value().due == "2026-11-28T10:00:15Z");
    CHECK(bench.ask("tick", "10:00:15").value().due == "2026-11-28T10:00:15Z");
    CHECK(bench.ask("tick", "10:00:14").value().verdict == "not_due");
}

TEST_CASE("of several instants within a minute each is named, with what became of it") {
    WhyBench bench;
    bench.job("tick", "*/15 * * * * *", "UTC");
    bench.now = at("2026-11-28 09:00:40");
    bench.created(bench.row("0001-aaaa", "tick", at("2026-11-28 09:00"), at("2026-11-28 09:00")));
    bench.ended("0001-aaaa", RunState::ok, at("2026-11-28 09:00:01"));
    bench.skipped("0002-aaaa", "tick", at("2026-11-28 09:00:15"), "in a blackout: calendar \"freeze\"");
    const auto why = bench.ask("tick", "09:00").value();
    CHECK(why.run == "0001-aaaa");
    CHECK(std::ranges::count(why.because, "4 instants lie within that minute: 09:00:00 (ok), 09:00:15 (skipped), 09:00:30 (not recorded), "
                                          "09:00:45 (to come). Ask for one by its second, as in tick@2026-11-28T09:00:15.") == 1);
    CHECK(bench.ask("tick", "09:00:15").value().run == "0002-aaaa");
    for (const auto* one : {"09:00:15", "09:00:45"})
        CHECK(std::ranges::none_of(bench.ask("tick", one).value().because, [](const auto& text) { return text.starts_with("4 instants"); }));
    bench.job("tock", "@every 1s", "UTC"); // behind tick: a catalog is in order
    CHECK(std::ranges::count(bench.ask("tock", "09:00").value().because, "60 instants lie within that minute: 41 not recorded, 19 to come. Ask for "
                                                                           "one by its second, as in tock@2026-11-28T09:00:01.") == 1);
}

TEST_CASE("an instant to come is told with what may still keep it") {
    WhyBench bench;
    bench.job("backup", "0 2 * * *").targets->nodes.clear();
    bench.serving = false;
    const auto why = bench.ask("backup", "2026-11-29T02:00").value();
    CHECK(why.verdict == "will_run");
    CHECK(why.because ==
          Sentences{"It will run at 2026-11-29 02:00 in Europe/Berlin, in 16h00m: `0 2 * * *` means at 02:00 every day.",
                    "The job has no target now: a run without one is failed (on_empty).",
                    "No daemon is running, and only a daemon starts jobs by their schedule: `loom serve`."});
}

TEST_CASE("an instant to come in a blackout will be skipped, or held") {
    WhyBench bench;
    auto& job = bench.job("backup", "0 2 * * *", "UTC");
    job.policy->blackout.calendars = {
        std::make_shared<const Calendar>("sundays", utc_zone(), std::vector<CalendarRule>{parse_calendar_week("sun").value()})};
    const auto skipped = bench.ask("backup", "2026-11-29T02:00").value();
    CHECK(skipped.verdict == "will_skip");
    CHECK(skipped.because == Sentences{"It will not run at 2026-11-29 02:00 in UTC, in 17h00m: in a blackout: calendar \"sundays\".",
                                       "Next: 2026-11-30 02:00 in UTC, in 1d17h."});
    job.policy->blackout.hold = true;
    const auto held = bench.ask("backup", "2026-11-29T02:00").value();
    CHECK(held.verdict == "will_run");
    CHECK(held.because[1] == "It is held until 2026-11-30 00:00: calendar \"sundays\".");
}

TEST_CASE("an instant that a blackout holds now will run when that ends") {
    WhyBench bench;
    auto& job = bench.job("backup", "0 2 * * *", "UTC");
    job.policy->blackout.hold = true;
    job.policy->blackout.calendars = {
        std::make_shared<const Calendar>("sundays", utc_zone(), std::vector<CalendarRule>{parse_calendar_week("sun").value()})};
    bench.seen("backup", "0 2 * * *", at("2026-11-01 00:00"));
    bench.created(bench.row("0001-aaaa", "backup", at("2026-11-28 02:00"), at("2026-11-28 02:00")));
    bench.ended("0001-aaaa", RunState::ok, at("2026-11-28 02:01"));
    bench.now = at("2026-11-29 09:00");
    const auto asked = bench.ask("backup", "02:00").value();
    CHECK(asked.verdict == "will_run");
    CHECK(asked.because[0] == "It was due at 2026-11-29 02:00 in UTC and is held until 2026-11-30 00:00: calendar \"sundays\".");
    const Sentences now = bench.ask("backup").value().because;
    CHECK(std::ranges::count(now, "What was due at 2026-11-29 02:00 in UTC is held until 2026-11-30 00:00: calendar \"sundays\".") == 1);

    bench.catalog->jobs[0].schedule->cron = parse_cron("0 2,14 * * *").value();
    const auto older = bench.ask("backup", "02:00").value();
    CHECK(older.verdict == "will_skip");
    CHECK(older.because[1] == "A later one is due by then and takes its place.");
    CHECK(bench.ask("backup").value().next == "2026-11-29T14:00:00Z");
}

TEST_CASE("of the instants that a blackout will hold only the newest runs") {
    WhyBench bench;
    auto& job = bench.job("backup", "0 */6 * * *", "UTC");
    job.policy->blackout.hold = true;
    job.policy->blackout.calendars = {
        std::make_shared<const Calendar>("sundays", utc_zone(), std::vector<CalendarRule>{parse_calendar_week("sun").value()})};
    const auto older = bench.ask("backup", "2026-11-29T06:00").value();
    CHECK(older.verdict == "will_skip");
    CHECK(older.because[0] == "It will not run at 2026-11-29 06:00 in UTC, in 21h00m: held by a blackout (calendar \"sundays\") until "
                              "2026-11-30T00:00:00Z, but a later one was due at 2026-11-29T12:00:00Z.");
}

TEST_CASE("a pause is told: what it keeps from running, and what fell into it") {
    WhyBench bench;
    bench.job("backup", "0 * * * *", "UTC");
    bench.seen("backup", "0 * * * * UTC", at("2026-11-01 00:00"));
    Pause pause;
    pause.job = "backup";
    pause.since = at("2026-11-28 07:30");
    pause.until = at("2026-11-28 11:30");
    pause.by = "user:anna";
    pause.reason = "the disk is full";
    bench.put(JobPaused{pause});
    const auto words = "backup is paused from 2026-11-28 07:30 to 2026-11-28 11:30 by user:anna: the disk is full.";
    CHECK(bench.ask("backup").value().because ==
          Sentences{"backup has not run yet.", words, "Next: 2026-11-28 12:00 in UTC, in 3h00m."});
    const auto later = bench.ask("backup", "10:00").value();
    CHECK(later.verdict == "will_skip");
    CHECK(later.because.front() == std::string("It will not run at 2026-11-28 10:00 in UTC, in 1h00m: ") + words);
    auto general = pause;
    general.job.clear();
    general.since = at("2026-11-28 08:00");
    general.until.reset();
    general.reason = "the move";
    bench.put(JobPaused{general});
    CHECK(bench.ask("backup").value().because ==
          Sentences{"backup has not run yet.", words, "Every job is paused from 2026-11-28 08:00 on by user:anna: the move."});
    const auto before = bench.ask("backup", "08:00").value();
    CHECK(before.verdict == "not_recorded");
    CHECK(before.because.front().find("fell into a pause: backup was paused from") != std::string::npos);
}

TEST_CASE("a change of the clocks is told where it matters") {
    WhyBench bench;
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
    WhyBench bench;
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

} // namespace loom
