#include "stores.hpp"

// What every RunStore promises to who decides what runs next.

using namespace loom;
using namespace loom::contract;
using namespace loom::records;

STORE_TEST("what a run of a job claims, and its id, is recorded once") {
    TestType made;
    auto& store = *made.store;
    auto run = make_run("018c-aaaa");
    run.due = at(0);
    run.claim = claim_of(at(0));
    CHECK(put(store, created(run)) == Verdict::recorded);
    CHECK(put(store, created(run)) == Verdict::duplicate);
    run.id = "018c-bbbb";
    CHECK(put(store, created(run)) == Verdict::duplicate);
    CHECK(code(store.run("018c-bbbb")) == Errc::not_found);
    run.job = "other";
    CHECK(put(store, created(run)) == Verdict::recorded);

    // The claim stays taken after the run has ended; a run may stand for an instant and claim nothing.
    put(store, RunFinished{"018c-aaaa", RunState::ok, at(1), ""});
    run = make_run("018c-cccc");
    run.due = at(0);
    run.claim = claim_of(at(0));
    CHECK(put(store, created(run)) == Verdict::duplicate);
    run.claim.reset();
    CHECK(put(store, created(run)) == Verdict::recorded);
    CHECK(store.run("018c-cccc").value().due == at(0));
    CHECK_FALSE(store.run("018c-cccc").value().claim);
    CHECK(put(store, created(make_run("018c-dddd"))) == Verdict::recorded);
}

STORE_TEST("an exclusive run is refused while another run of its job is in flight") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    CHECK(put(store, created(make_run("018c-bbbb"), true)) == Verdict::overlaps);
    CHECK(code(store.run("018c-bbbb")) == Errc::not_found);
    CHECK(put(store, created(make_run("018c-cccc", "other"), true)) == Verdict::recorded);
    put(store, RunFinished{"018c-aaaa", RunState::ok, at(1), ""});
    CHECK(put(store, created(make_run("018c-dddd"), true)) == Verdict::recorded);
}

STORE_TEST("a run that waits begins when the runs before it have ended, and not before") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    auto waiting = make_run("018c-cccc");
    waiting.state = RunState::waiting;
    waiting.message = "waits";
    CHECK(put(store, created(waiting)) == Verdict::recorded);
    waiting.id = "018c-bbbb"; // recorded later, whatever its id
    CHECK(put(store, created(waiting)) == Verdict::recorded);
    put(store, created(make_run("018c-dddd", "other")));
    CHECK(store.in_flight("backup").value() ==
          std::vector<InFlight>{
              {"018c-aaaa", RunState::running}, {"018c-cccc", RunState::waiting}, {"018c-bbbb", RunState::waiting}});
    CHECK(put(store, created(make_run("018c-eeee"), true)) == Verdict::overlaps);
    CHECK(put(store, RunBegan{"018c-cccc", at(5)}) == Verdict::overlaps);
    put(store, RunFinished{"018c-aaaa", RunState::ok, at(6), ""});
    CHECK(put(store, RunBegan{"018c-bbbb", at(7)}) == Verdict::overlaps);
    CHECK(store.run("018c-cccc").value().state == RunState::waiting);
    CHECK(count(store.run("018c-cccc").value(), NodeState::queued) == 3);
    CHECK(store.orphans().value().empty());
    CHECK(put(store, RunBegan{"018c-cccc", at(8)}) == Verdict::recorded);
    CHECK(put(store, RunBegan{"018c-cccc", at(9)}) == Verdict::duplicate);
    const auto began = store.run("018c-cccc").value();
    CHECK(began.state == RunState::running);
    CHECK(began.started == at(8));
    CHECK(began.message.empty());

    // One may end without ever having begun.
    CHECK(put(store, RunFinished{"018c-bbbb", RunState::skipped, at(9), "replaced"}) == Verdict::recorded);
    CHECK(put(store, RunBegan{"018c-bbbb", at(10)}) == Verdict::duplicate);
    CHECK(count(store.run("018c-bbbb").value(), NodeState::not_started) == 3);
    CHECK(put(store, RunBegan{"018c-zzzz", at(10)}) == Verdict::duplicate);
    CHECK(store.in_flight("backup").value() == std::vector<InFlight>{{"018c-cccc", RunState::running}});
}

STORE_TEST("facts of a job come from its schedule and its runs") {
    TestType made;
    auto& store = *made.store;
    put(store, ScheduleSeen{"backup", "0 1 * * *", at(-100)});
    put(store, ScheduleSeen{"backup", "0 1 * * *", at(-50)}); // no news
    put(store, ScheduleSeen{"idle", "@daily", at(-70)});
    auto run = make_run("018c-0001");
    run.due = at(10);
    run.claim = claim_of(at(10));
    put(store, created(run));
    put(store, RunFinished{"018c-0001", RunState::failed, at(11), ""});
    auto missed = make_run("018c-0002");
    missed.due = at(20);
    missed.claim = claim_of(at(20));
    missed.state = RunState::missed;
    put(store, created(missed));
    auto unclaimed = make_run("018c-0005");
    unclaimed.due = at(90);
    unclaimed.state = RunState::skipped;
    put(store, created(unclaimed));
    put(store, created(make_run("018c-0003", "manual")));
    put(store, created(make_run("018c-0004", ""))); // exec is no job

    auto facts = store.facts().value();
    REQUIRE(facts.size() == 3);
    CHECK(facts["backup"].schedule_text == "0 1 * * *");
    CHECK(facts["backup"].since == at(-100));
    CHECK(facts["backup"].last_due == at(20));
    CHECK(facts["backup"].last_run == "018c-0001");
    CHECK(facts["backup"].last_state == RunState::failed);
    CHECK(facts["backup"].last_started == at(0));
    CHECK(facts["idle"].since == at(-70));
    CHECK_FALSE(facts["idle"].last_due);
    CHECK(facts["idle"].last_run.empty());
    CHECK_FALSE(facts["idle"].last_state);
    CHECK(facts["manual"].last_state == RunState::running);
    CHECK_FALSE(facts["manual"].last_due);

    put(store, ScheduleSeen{"backup", "0 2 * * *", at(30)});
    facts = store.facts().value();
    CHECK(facts["backup"].schedule_text == "0 2 * * *");
    CHECK(facts["backup"].since == at(30));
}

STORE_TEST("a run that others are to follow waits for that until they do") {
    TestType made;
    auto& store = *made.store;
    const auto waiting = [&] {
        std::vector<std::string> lines;
        const auto upstreams = store.upstreams().value();
        for (const auto& one : upstreams) lines.push_back(one.follower + " " + one.job + " " + one.run);
        return lines;
    };
    using Lines = std::vector<std::string>;
    put(store, created("018c-aaaa"));
    put(store, RunFinished{"018c-aaaa", RunState::failed, at(1), "", {"report", "alert"}});
    CHECK(waiting() == Lines{"alert backup 018c-aaaa", "report backup 018c-aaaa"});
    CHECK(store.upstreams().value()[0].state == RunState::failed);
    CHECK(store.upstreams().value()[0].finished == at(1));

    // The newest run of a job takes the place of an older one; runs of other jobs have their own.
    put(store, created("018c-bbbb"));
    put(store, RunFinished{"018c-bbbb", RunState::ok, at(2), "", {"report"}});
    put(store, created(make_run("018c-cccc", "checks")));
    put(store, RunFinished{"018c-cccc", RunState::ok, at(3), "", {"report"}});
    CHECK(put(store, RunFinished{"018c-cccc", RunState::ok, at(4), "", {"other"}}) == Verdict::duplicate);
    CHECK(waiting() == Lines{"alert backup 018c-aaaa", "report backup 018c-bbbb", "report checks 018c-cccc"});

    auto follower = make_run("018c-dddd", "report");
    follower.upstream = {"018c-bbbb", "018c-cccc"};
    follower.claim = claim_of(follower.upstream);
    put(store, created(follower));
    CHECK(store.run("018c-dddd").value().upstream == follower.upstream);
    CHECK(waiting() == Lines{"alert backup 018c-aaaa"});
    follower.id = "018c-eeee";
    CHECK(put(store, created(follower)) == Verdict::duplicate);

    // A row that is terminal from the start is an end as well.
    auto skipped = make_run("018c-ffff", "alert", {});
    skipped.state = RunState::skipped;
    skipped.finished = at(5);
    skipped.upstream = {"018c-aaaa"};
    RunCreated record{skipped};
    record.followers = {"chat"};
    put(store, record);
    CHECK(waiting() == Lines{"chat alert 018c-ffff"});
}

STORE_TEST("runs that stand for an instant are found by it") {
    TestType made;
    auto& store = *made.store;
    for (const auto& [id, due] : std::map<std::string, int>{{"018c-0003", 20}, {"018c-0001", 30}, {"018c-0002", 20}}) {
        auto run = make_run(id);
        run.due = at(due);
        put(store, created(run));
    }
    put(store, created("018c-0004"));
    put(store, RunFinished{"018c-0003", RunState::ok, at(1), ""});
    const auto runs = store.due_runs("backup", at(20), at(30)).value();
    REQUIRE(runs.size() == 2);
    CHECK(runs[0].run == "018c-0002");
    CHECK(runs[1].run == "018c-0003");
    CHECK(runs[1].due == at(20));
    CHECK(runs[1].state == RunState::ok);
    CHECK(store.due_runs("backup", at(30), at(31)).value().size() == 1);
    CHECK(store.due_runs("other", at(0), at(90)).value().empty());
}

STORE_TEST("how long runs took is told of the last that were ok") {
    TestType made;
    auto& store = *made.store;
    for (const auto& [id, end] : std::map<std::string, int>{{"018c-0001", 1}, {"018c-0002", 2}, {"018c-0003", 3}}) {
        put(store, created(id));
        put(store, RunFinished{id, id == "018c-0002" ? RunState::failed : RunState::ok, at(end), ""});
    }
    put(store, created("018c-0004"));
    using std::chrono::seconds;
    CHECK(store.durations("backup", 9).value() == std::vector<Milliseconds>{seconds(3), seconds(1)});
    CHECK(store.durations("backup", 1).value() == std::vector<Milliseconds>{seconds(3)});
}

STORE_TEST("what is found of a run that goes on stays with it") {
    TestType made;
    auto& store = *made.store;
    put(store, created("018c-aaaa"));
    CHECK(put(store, RunNoted{"018c-aaaa", "overdue"}) == Verdict::recorded);
    put(store, RunFinished{"018c-aaaa", RunState::ok, at(1), "done"});
    CHECK(store.run("018c-aaaa").value().note == "overdue");
    CHECK(store.run("018c-aaaa").value().message == "done");
    CHECK(put(store, RunNoted{"018c-aaaa", "too late"}) == Verdict::duplicate);
    CHECK(put(store, RunNoted{"018c-zzzz", "nobody"}) == Verdict::duplicate);
}

STORE_TEST("nodes that a scheduled run could not reach are left out until another run reaches them") {
    TestType made;
    auto& store = *made.store;
    const auto fail = [&](const std::string& run, std::uint32_t index, Cause cause) {
        auto record = finished(run, index, NodeState::unreachable);
        record.result.outcome.cause = cause;
        put(store, record);
    };
    auto run = make_run("018c-aaaa", "backup", {"web1", "web2", "web3", "web4"});
    run.due = at(0);
    run.claim = claim_of(*run.due);
    run.reason = Reason::cron;
    put(store, created(run));
    fail(run.id, 0, Cause::refused);
    fail(run.id, 1, Cause::connect_timeout);
    fail(run.id, 2, Cause::auth);
    put(store, finished(run.id, 3));
    CHECK(store.left_out("backup", at(-9)).value().nodes.empty()); // it goes on
    put(store, RunFinished{run.id, RunState::failed, at(5), ""});
    CHECK(store.left_out("backup", at(-9)).value() == LeftOut{run.id, at(0), {"web1", "web2"}});
    CHECK(store.left_out("backup", at(1)).value() == LeftOut());
    CHECK(store.left_out("other", at(-9)).value() == LeftOut());

    auto own = make_run("018c-bbbb", "backup", {"web1"});
    own.due = at(0);
    own.claim = claim_of(at(0), "web1");
    own.reason = Reason::node_catch_up;
    CHECK(put(store, created(own)) == Verdict::recorded);
    own.id = "018c-cccc";
    CHECK(put(store, created(own)) == Verdict::duplicate);
    CHECK(store.left_out("backup", at(-9)).value().nodes == std::vector<std::string>{"web2"});

    put(store, created(make_run("018c-dddd", "backup", {"web2"}))); // by hand
    CHECK(store.left_out("backup", at(-9)).value().nodes == std::vector<std::string>{"web2"});
    put(store, finished("018c-dddd", 0, NodeState::failed));
    CHECK(store.left_out("backup", at(-9)).value().nodes.empty());
}

STORE_TEST("what came later counts for nodes that are left out, also where the clock was set back between") {
    TestType made;
    auto& store = *made.store;
    auto run = make_run("018c-bbbb", "backup", {"web1", "web2"});
    run.due = at(0);
    run.claim = claim_of(*run.due);
    run.reason = Reason::cron;
    put(store, created(run));
    for (const auto index : {0U, 1U}) {
        auto record = finished(run.id, index, NodeState::unreachable);
        record.result.outcome.cause = Cause::refused;
        put(store, record);
    }
    put(store, RunFinished{run.id, RunState::failed, at(5), ""});
    auto own = make_run("018c-aaaa", "backup", {"web1"});
    own.due = at(0);
    own.claim = claim_of(at(0), "web1");
    own.reason = Reason::node_catch_up;
    put(store, created(own));
    CHECK(store.left_out("backup", at(-9)).value().nodes == std::vector<std::string>{"web2"});
    put(store, created(make_run("018c-0000", "backup", {"web2"}))); // by hand
    put(store, finished("018c-0000", 0, NodeState::failed));
    CHECK(store.left_out("backup", at(-9)).value().nodes.empty());
}

STORE_TEST("a newer scheduled run takes over what an older one left out") {
    TestType made;
    auto& store = *made.store;
    for (const auto& [id, due] : {std::pair("018c-aaaa", at(0)), std::pair("018c-bbbb", at(60))}) {
        auto run = make_run(id, "backup", {"web1"});
        run.due = due;
        run.claim = claim_of(due);
        run.reason = Reason::cron;
        put(store, created(run));
        auto record = finished(id, 0, NodeState::unreachable);
        record.result.outcome.cause = Cause::refused;
        put(store, record);
        put(store, RunFinished{id, RunState::failed, due, ""});
        CHECK(store.left_out("backup", at(-9)).value() == LeftOut{id, due, {"web1"}});
    }
}
