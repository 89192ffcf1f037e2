#include "stores.hpp"

// What every RunStore promises of runs and their nodes.

using namespace loom;
using namespace loom::contract;
using namespace loom::records;

namespace {

std::vector<std::string> ids(const std::vector<Run>& runs) {
    std::vector<std::string> ids;
    for (const auto& run : runs)
        ids.push_back(run.id);
    return ids;
}

} // namespace

STORE_TEST("a new run is queued for every target and keeps what it was given") {
    TestType made;
    auto& store = *made.store;
    auto run = make_run("018c-aaaa");
    run.due = at(-60);
    run.claim = claim_of(*run.due);
    run.reason = Reason::cron;
    run.of = "018b-ffff";
    run.spec = R"({"task": {}})";
    CHECK(put(store, created(run)) == Verdict::recorded);

    const auto read = store.run("018c-aaaa").value();
    CHECK(read.id == run.id);
    CHECK(read.job == run.job);
    CHECK(read.due == run.due);
    CHECK(read.claim == run.claim);
    CHECK(read.reason == Reason::cron);
    CHECK(read.by == run.by);
    CHECK(read.state == RunState::running);
    CHECK(read.started == run.started);
    CHECK_FALSE(read.finished);
    CHECK(read.message.empty());
    CHECK(read.task == run.task);
    CHECK(read.catalog == run.catalog);
    CHECK(read.of == run.of);
    CHECK(store.spec(run.id).value() == run.spec);
    CHECK(read.target_count == 3);
    CHECK((read.targets.empty() && read.spec.empty())); // asked for apart
    CHECK(count(read, NodeState::queued) == 3);
    CHECK(sum(read) == 3);

    const auto results = store.results("018c-aaaa").value();
    REQUIRE(results.size() == 3);
    CHECK(results[1].index == 1);
    CHECK(results[1].node == "web2");
    CHECK(results[1].outcome.state == NodeState::queued);
    CHECK_FALSE(results[1].started);
}

STORE_TEST("records of one batch see each other in order") {
    TestType made;
    auto& store = *made.store;
    const auto verdicts = put(store, {created(make_run("018c-aaaa"), true), created(make_run("018c-bbbb"), true),
                                      NodesStarted{"018c-aaaa", {0}, at(1)}, finished("018c-aaaa", 0),
                                      finished("018c-aaaa", 0), RunFinished{"018c-aaaa", RunState::ok, at(2), ""},
                                      finished("018c-aaaa", 1), created(make_run("018c-cccc"), true)});
    using enum Verdict;
    CHECK(verdicts == std::vector{recorded, overlaps, recorded, recorded, duplicate, recorded, duplicate, recorded});
    CHECK(store.orphans().value().empty());
}

STORE_TEST("a run that did not run is terminal from the start") {
    TestType made;
    auto& store = *made.store;
    auto run = make_run("018c-aaaa");
    run.due = at(0);
    run.state = RunState::missed;
    run.finished = at(5);
    run.message = "the machine was off";
    CHECK(put(store, created(run)) == Verdict::recorded);
    const auto read = store.run("018c-aaaa").value();
    CHECK(read.state == RunState::missed);
    CHECK(read.finished == at(5));
    CHECK(read.message == "the machine was off");
    CHECK(count(read, NodeState::not_started) == 3);
    CHECK(sum(read) == 3);
    CHECK(put(store, finished("018c-aaaa", 0)) == Verdict::duplicate);
    CHECK(put(store, RunFinished{"018c-aaaa", RunState::ok, at(6), ""}) == Verdict::duplicate);
    CHECK(store.orphans().value().empty());
}

STORE_TEST("counts of a running run follow its nodes") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    put(store, NodesStarted{"018c-aaaa", {2, 0}, at(1)});
    put(store, finished("018c-aaaa", 2, NodeState::failed));
    const auto read = store.run("018c-aaaa").value();
    CHECK(count(read, NodeState::queued) == 1);
    CHECK(count(read, NodeState::running) == 1);
    CHECK(count(read, NodeState::failed) == 1);
    CHECK(sum(read) == 3);
    const auto results = store.results("018c-aaaa").value();
    CHECK(results[0].outcome.state == NodeState::running);
    CHECK(results[0].started == at(1));
    CHECK(results[1].outcome.state == NodeState::queued);
    CHECK(results[2].outcome.state == NodeState::failed);
    CHECK(results[2].started == at(1));
}

STORE_TEST("a node's first dial is when it started, unless its result knows better") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    put(store, NodesStarted{"018c-aaaa", {0, 1}, at(1)});
    put(store, NodesStarted{"018c-aaaa", {0}, at(2)});
    auto own = finished("018c-aaaa", 1);
    own.result.started = at(4);
    put(store, own);
    const auto results = store.results("018c-aaaa").value();
    CHECK(results[0].started == at(1));
    CHECK(results[1].started == at(4));
}

STORE_TEST("every field of a node's result comes back") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    NodeFinished record;
    record.run = "018c-aaaa";
    record.result = {1, "web2", {}, 3, at(1), at(2)};
    record.result.outcome = {NodeState::timed_out, Cause::handshake, Phase::auth,           137,    "KILL",
                             "too slow",           "4711 4712",      {"out\0put\n\xff", 7}, {"", 1}};
    record.result.outcome.out.text = std::string("out\0put\n\xff", 9);
    put(store, record);

    const auto read = store.result("018c-aaaa", "web2").value();
    CHECK(read.index == 1);
    CHECK(read.node == "web2");
    CHECK(read.attempts == 3);
    CHECK(read.started == at(1));
    CHECK(read.finished == at(2));
    CHECK(read.outcome == record.result.outcome);

    auto without_outputs = record.result.outcome;
    without_outputs.out = without_outputs.err = Output();
    CHECK(store.results("018c-aaaa").value()[1].outcome == without_outputs);
    CHECK(code(store.result("018c-aaaa", "web9")) == Errc::not_found);
    CHECK(code(store.result("018c-zzzz", "web2")) == Errc::not_found);
    CHECK(code(store.results("018c-zzzz")) == Errc::not_found);
    CHECK(code(store.gathered("018c-zzzz")) == Errc::not_found);
}

STORE_TEST("a second terminal row of a node changes nothing") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    CHECK(put(store, finished("018c-aaaa", 0, NodeState::ok, "first")) == Verdict::recorded);
    CHECK(put(store, finished("018c-aaaa", 0, NodeState::failed, "second")) == Verdict::duplicate);
    CHECK(store.result("018c-aaaa", "web1").value().outcome.state == NodeState::ok);
    CHECK(store.result("018c-aaaa", "web1").value().outcome.out.text == "first");
    CHECK(sum(store.run("018c-aaaa").value()) == 3);
}

STORE_TEST("what is no node of a run in flight changes nothing") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    CHECK(put(store, finished("018c-aaaa", 3)) == Verdict::duplicate);
    CHECK(put(store, finished("018c-zzzz", 0)) == Verdict::duplicate);
    CHECK(put(store, NodesStarted{"018c-zzzz", {0}, at(1)}) == Verdict::duplicate);
    CHECK(put(store, RunFinished{"018c-zzzz", RunState::ok, at(1), ""}) == Verdict::duplicate);
    put(store, NodesStarted{"018c-aaaa", {1, 77}, at(1)});
    CHECK(sum(store.run("018c-aaaa").value()) == 3);
}

STORE_TEST("the end of a run closes its open nodes, and the sum is its targets") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    put(store, NodesStarted{"018c-aaaa", {0, 1}, at(1)});
    put(store, finished("018c-aaaa", 0));
    CHECK(put(store, RunFinished{"018c-aaaa", RunState::interrupted, at(8), "loom died"}) == Verdict::recorded);

    const auto run = store.run("018c-aaaa").value();
    CHECK(run.state == RunState::interrupted);
    CHECK(run.finished == at(8));
    CHECK(run.message == "loom died");
    CHECK(count(run, NodeState::ok) == 1);
    CHECK(count(run, NodeState::interrupted) == 1);
    CHECK(count(run, NodeState::not_started) == 1);
    CHECK(sum(run) == 3);

    const auto results = store.results("018c-aaaa").value();
    CHECK(results[0].outcome.message.empty());
    CHECK(results[1].outcome.state == NodeState::interrupted);
    CHECK(results[1].outcome.message == "loom died");
    CHECK(results[1].started == at(1));
    CHECK(results[1].finished == at(8));
    CHECK(results[2].outcome.state == NodeState::not_started);
    CHECK(results[2].outcome.message == "loom died");

    SECTION("and nothing reopens it") {
        CHECK(put(store, RunFinished{"018c-aaaa", RunState::ok, at(9), "again"}) == Verdict::duplicate);
        CHECK(put(store, finished("018c-aaaa", 1)) == Verdict::duplicate);
        CHECK(put(store, NodesStarted{"018c-aaaa", {2}, at(9)}) == Verdict::duplicate);
        CHECK(store.run("018c-aaaa").value().state == RunState::interrupted);
        CHECK(store.results("018c-aaaa").value()[2].outcome.state == NodeState::not_started);
    }
}

STORE_TEST("a run of no targets ends too") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa", "backup", {})));
    put(store, RunFinished{"018c-aaaa", RunState::ok, at(1), ""});
    CHECK(sum(store.run("018c-aaaa").value()) == 0);
    CHECK(store.results("018c-aaaa").value().empty());
    CHECK(store.gathered("018c-aaaa").value().empty());
}

STORE_TEST("a run is found by the unique beginning of its id") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    put(store, created(make_run("018c-aabb")));
    put(store, created(make_run("018c-aabb-more")));
    CHECK(store.run("018c-aaa").value().id == "018c-aaaa");
    CHECK(store.run("018c-aabb").value().id == "018c-aabb");
    CHECK(code(store.run("018c-aab")) == Errc::conflict);
    CHECK(code(store.run("018c")) == Errc::conflict);
    CHECK(code(store.run("018d")) == Errc::not_found);
    CHECK(code(store.run("018")) == Errc::usage);
    CHECK(code(store.run("")) == Errc::usage);
}

STORE_TEST("runs are listed newest first, filtered and in pages") {
    TestType made;
    auto& store = *made.store;
    for (const auto* id : {"018c-0003", "018c-0001", "018c-0002"})
        put(store, created(make_run(id)));
    put(store, created(make_run("018c-0004", "other")));
    put(store, RunFinished{"018c-0002", RunState::failed, at(1), ""});
    using Ids = std::vector<std::string>;
    CHECK(ids(store.runs({}).value()) == Ids{"018c-0004", "018c-0003", "018c-0002", "018c-0001"});
    CHECK(ids(store.runs({"backup", {}, "", 2}).value()) == Ids{"018c-0003", "018c-0002"});
    CHECK(ids(store.runs({"backup", {}, "018c-0002", 2}).value()) == Ids{"018c-0001"});
    CHECK(ids(store.runs({"", RunState::failed, "", 20}).value()) == Ids{"018c-0002"});
    CHECK(ids(store.runs({"other", RunState::failed, "", 20}).value()).empty());
    const auto failed = store.runs({"", RunState::failed, "", 20}).value().at(0);
    CHECK(count(failed, NodeState::not_started) == 3);
    CHECK((failed.target_count == 3 && failed.targets.empty())); // a list does not carry the names of every node
}

STORE_TEST("equal results gather in one group, failures first, then the larger") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa", "backup", {"a", "b", "c", "d", "e", "f", "g"})));
    put(store, finished("018c-aaaa", 0, NodeState::ok, "other\n"));
    put(store, finished("018c-aaaa", 1, NodeState::ok, "same\n"));
    put(store, finished("018c-aaaa", 3, NodeState::ok, "same\n"));
    auto dropped = finished("018c-aaaa", 2, NodeState::ok, "same\n");
    dropped.result.outcome.out.dropped_bytes = 5;
    put(store, dropped);
    for (const auto index : {4u, 5u}) {
        auto failed = finished("018c-aaaa", index, NodeState::failed, "same\n");
        failed.result.outcome.survivors = std::to_string(index);
        failed.result.finished = at(index);
        put(store, failed);
    }
    const auto groups = store.gathered("018c-aaaa").value();
    using Nodes = std::vector<std::string>;
    REQUIRE(groups.size() == 4); // g has not ended
    CHECK(groups[0].nodes == Nodes{"e", "f"});
    CHECK(groups[0].outcome.state == NodeState::failed);
    CHECK(groups[0].outcome.exit_status == 2);
    CHECK(groups[0].outcome.out.text == "same\n");
    CHECK(groups[0].outcome.survivors.empty());
    CHECK(groups[1].nodes == Nodes{"b", "d"});
    CHECK(groups[1].outcome.out == Output{"same\n", 0});
    CHECK(groups[2].nodes == Nodes{"a"});
    CHECK(groups[3].nodes == Nodes{"c"});
    CHECK(groups[3].outcome.out == Output{"same\n", 5});

    put(store, RunFinished{"018c-aaaa", RunState::cancelled, at(9), "enough"});
    const auto ended = store.gathered("018c-aaaa").value();
    REQUIRE(ended.size() == 5);
    CHECK(ended[1].nodes == Nodes{"g"});
    CHECK(ended[1].outcome.state == NodeState::not_started);
    CHECK(ended[1].outcome.message == "enough");
}

STORE_TEST("a run of this process is no orphan") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-aaaa")));
    CHECK(store.orphans().value().empty());
}

STORE_TEST("an empty batch is fine and an empty store answers") {
    TestType made;
    auto& store = *made.store;
    CHECK(put(store, std::vector<Record>()).empty());
    CHECK(store.runs({}).value().empty());
    CHECK(store.facts().value().empty());
    CHECK(store.orphans().value().empty());
    CHECK(code(store.run("018c")) == Errc::not_found);
}
