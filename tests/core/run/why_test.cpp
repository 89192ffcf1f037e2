#include "why_bench.hpp"

#include "core/base/digest.hpp"
#include "core/schedule/decide.hpp"

namespace loom {

using namespace std::chrono;
using namespace tests;

TEST_CASE("a run on time says so, and how it ended") {
    WhyBench bench;
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
    WhyBench bench;
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
    WhyBench bench;
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
    WhyBench bench;
    bench.job("sync", "*/5 * * * *", "UTC");
    bench.created(bench.row("0001-aaaa", "sync", at("2026-11-28 08:00"), at("2026-11-28 08:00")));
    bench.skipped("0002-aaaa", "sync", at("2026-11-28 08:05"), "the job's run before has not ended (overlap: skip)");
    bench.ended("0001-aaaa", RunState::ok, at("2026-11-28 08:07"));
    const auto why = bench.ask("sync", "08:05").value();
    CHECK(why.verdict == "skipped");
    CHECK(why.because ==
          Sentences{"It was due at 2026-11-28 08:05 in UTC and did not run: the job's run before has not ended (overlap: skip).",
                    "In the way was run 0001-aaaa, which began at 2026-11-28 08:00 and ended at 2026-11-28 08:07 (ok).",
                    "Next: 2026-11-28 09:05 in UTC, in 5m00s."});

    bench.skipped("0003-aaaa", "sync", at("2026-11-28 08:06"), "in a blackout: calendar \"freeze\"");
    CHECK(bench.ask("sync", "08:06").value().because[1].starts_with("Next: "));
}

TEST_CASE("a run that ended while it waited did not run, or began on no node") {
    WhyBench bench;
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
    WhyBench bench;
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
    WhyBench bench;
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

TEST_CASE("a job without a schedule says which hooks start it") {
    WhyBench bench;
    bench.job("deploy");
    for (const std::string name : {"github", "gitlab"}) {
        Hook hook;
        hook.name = name;
        hook.job = "deploy";
        bench.catalog->hooks.push_back(hook);
    }
    CHECK(bench.ask("deploy").value().because.back() == "deploy has no schedule: it is started by hook:github or by hook:gitlab or by hand.");
}

TEST_CASE("a job without a schedule says what it follows") {
    WhyBench bench;
    bench.job("report").policy->after = {{"backup", After::When::always}};
    CHECK(bench.ask("report").value().because == Sentences{"report has not run yet.", "It follows backup (always)."});
}

TEST_CASE("a job that only follows others is told with what was about the time that was asked for") {
    WhyBench bench;
    bench.job("backup");
    bench.job("report").policy->after = {{"backup", After::When::success}};
    const auto id = [](std::string_view when) { return uuid_v7(at(when).time_since_epoch().count()); };
    auto backup = bench.row(id("2026-11-28 08:00:10"), "backup", {}, at("2026-11-28 08:00:10"));
    backup.due.reset(), backup.claim.reset();
    bench.created(backup);
    bench.ended(backup.id, RunState::ok, at("2026-11-28 08:01"));
    auto report = backup;
    report.id = id("2026-11-28 08:01");
    report.job = "report";
    report.started = at("2026-11-28 08:01");
    report.reason = Reason::after;
    report.upstream = {backup.id};
    const auto early = bench.ask("report", "08:01").value();
    CHECK(early.verdict == "not_due");
    CHECK(early.because ==
          Sentences{"report is due at no time of its own: it runs when what it follows has ended.",
                    "report had not run by 2026-11-28 08:01 in UTC.",
                    "The newest run of backup by then, " + backup.id + ", began at 2026-11-28 08:00:10 and ended at 2026-11-28 08:01 (ok).",
                    "It follows backup (success)."});
    bench.created(report);
    bench.ended(report.id, RunState::ok, at("2026-11-28 08:02"));
    const auto then = bench.ask("report", "08:01").value();
    CHECK(then.run == report.id);
    CHECK(then.because[0] == "It began at 2026-11-28 08:01 in UTC, after run " + backup.id + ".");
    const auto later = bench.ask("report", "08:30").value();
    CHECK(later.verdict == "not_due");
    CHECK(later.because[1] == "The newest run of report by then, " + report.id + ", began at 2026-11-28 08:01 and ended at 2026-11-28 08:02 (ok).");
    CHECK(bench.ask("report", "07:00").value().because[1] == "report had not run by 2026-11-28 07:00 in UTC.");
    CHECK(bench.ask("report", "12:00").value().because.size() == 2); // it is still to come
}

TEST_CASE("a job that is gone or quarantined keeps its history") {
    WhyBench bench;
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
    WhyBench bench;
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

TEST_CASE("the run of an instant is told of first, and then that a node got its own") {
    WhyBench bench;
    bench.job("sync", "0 * * * *", "UTC").policy->catch_up_nodes = true;
    const auto eight = at("2026-11-28 08:00");
    bench.created(bench.row("0001-aaaa", "sync", eight, eight));
    bench.node_ended("0001-aaaa", 0, NodeState::ok);
    bench.node_ended("0001-aaaa", 1, NodeState::unreachable);
    bench.ended("0001-aaaa", RunState::failed, eight);
    const auto before = bench.ask("sync", "08:00").value();
    CHECK(std::ranges::find(before.because, "Not reached at 2026-11-28 08:00 in UTC: b. What is back by 2026-11-28 09:00, and before "
                                            "the next run, gets a run of its own.") != before.because.end());

    auto own = bench.row("0002-aaaa", "sync", eight, at("2026-11-28 08:30"));
    own.reason = Reason::node_catch_up;
    own.claim = claim_of(eight, "b");
    own.targets = {"b"};
    bench.created(own);
    for (const auto& why : {bench.ask("sync", "08:00").value(), bench.ask("sync").value()}) {
        CHECK(why.run == "0001-aaaa");
        CHECK(std::ranges::find(why.because, "1 node that it did not reach got a run of its own since.") != why.because.end());
    }
    CHECK(bench.store.facts().value().at("sync").last_run == "0001-aaaa");

    own.of = "0001-aaaa";
    for (int i = 0; i < 100; ++i) { // a rack is back
        own.id = "0003-" + std::to_string(1000 + i);
        own.claim = claim_of(eight, own.id);
        bench.created(own);
    }
    CHECK(bench.ask("sync").value().run == "0001-aaaa");
}

TEST_CASE("a job without a schedule goes by the clocks of the daemon's machine, and UTC has one name") {
    WhyBench bench;
    bench.job("deploy");
    bench.catalog->zone = find_zone("America/New_York").value();
    const auto why = bench.ask("deploy", "10:00").value();
    CHECK(why.tz == "America/New_York");
    CHECK(why.because[0] == "Nothing is recorded of deploy at 2026-11-28 10:00 in America/New_York.");
    bench.job("nightly", "0 2 * * *", "Etc/UTC");
    CHECK(bench.ask("nightly", "02:00").value().tz == "UTC");
}

TEST_CASE("what a node was owed is told when it has ended, and why nothing is owed to another") {
    WhyBench bench;
    auto& job = bench.job("sync", "0 * * * *", "UTC");
    job.policy->catch_up_nodes = true;
    const auto eight = at("2026-11-28 08:00");
    auto run = bench.row("0001-aaaa", "sync", eight, eight);
    bench.created(run);
    bench.node_ended("0001-aaaa", 0, NodeState::unreachable, Cause::refused);
    bench.node_ended("0001-aaaa", 1, NodeState::unreachable, Cause::auth);
    bench.ended("0001-aaaa", RunState::failed, eight);
    const auto told = [&](const std::string& words) { return std::ranges::count(bench.ask("sync").value().because, words) == 1; };
    bench.now = at("2026-11-28 08:30");
    CHECK(told("Not reached at 2026-11-28 08:00 in UTC: a. What is back by 2026-11-28 09:00, and before the next run, gets a run of its own."));
    CHECK(told("At 2026-11-28 08:00 in UTC the login was refused, or another host key shown, by b: waiting does not mend that, so no run of its "
               "own is owed; `loom retry 0001-aaaa` runs what was missed."));
    bench.refusing = {"a"};
    CHECK(told("Not reached at 2026-11-28 08:00 in UTC: a. It answers again and refuses the login or shows another host key, so it is not looked "
               "for any more."));
    bench.refusing.clear();
    bench.now = at("2026-11-28 09:00:05");
    CHECK(told("Not reached at 2026-11-28 08:00 in UTC: a. What was owed there ended at 2026-11-28 09:00, with the catch-up window of 1h00m."));
}

} // namespace loom
