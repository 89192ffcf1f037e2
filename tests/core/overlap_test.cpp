#include "core/base/limits.hpp"
#include "core/schedule/overlap.hpp"
#include "support/catch.hpp"

namespace loom {
namespace {

using Kind = OverlapPlan::Kind;
using Ids = std::vector<std::string>;

const InFlight a{"a", RunState::running}, b{"b", RunState::waiting}, c{"c", RunState::waiting};

} // namespace

TEST_CASE("what becomes of a run follows from its policy and from what has not ended") {
    struct Row {
        Overlap policy;
        std::vector<InFlight> others;
        OverlapPlan plan;
    };
    const auto row = GENERATE(values<Row>({
        {Overlap::skip, {}, {}},
        {Overlap::skip, {a}, {Kind::skip, "run a has not ended (overlap: skip)", {}, {}}},
        {Overlap::skip, {b}, {Kind::skip, "run b has not ended (overlap: skip)", {}, {}}},
        {Overlap::buffer_one, {}, {}},
        {Overlap::buffer_one, {a}, {Kind::wait, "waits for run a (overlap: buffer_one)", {}, {}}},
        {Overlap::buffer_one, {a, b}, {Kind::wait, "waits for run a (overlap: buffer_one)", {"b"}, {}}},
        {Overlap::buffer_all, {}, {}},
        {Overlap::buffer_all, {a}, {Kind::wait, "waits for run a (overlap: buffer_all)", {}, {}}},
        {Overlap::buffer_all, {a, b, c}, {Kind::wait, "waits for run c (overlap: buffer_all)", {}, {}}},
        {Overlap::cancel_other, {}, {}},
        {Overlap::cancel_other, {a}, {Kind::wait, "waits for run a (overlap: cancel_other)", {}, {"a"}}},
        {Overlap::cancel_other, {a, b}, {Kind::wait, "waits for run a (overlap: cancel_other)", {"b"}, {"a"}}},
        {Overlap::allow, {a, b}, {}},
    }));
    CAPTURE(to_string(row.policy), row.others.size());
    CHECK(decide_overlap(row.policy, row.others) == row.plan);
}

TEST_CASE("so many runs of a job may wait, and one more is told how many do") {
    std::vector<InFlight> others(limits::runs_waiting, b);
    others.front() = a;
    CHECK(decide_overlap(Overlap::buffer_all, others).kind == Kind::wait);
    others.push_back(c);
    const auto plan = decide_overlap(Overlap::buffer_all, others);
    CHECK(plan.kind == Kind::skip);
    CHECK(plan.why == "100 runs wait already (overlap: buffer_all)");
}

TEST_CASE("a run that waits begins when nothing runs and none waits before it") {
    CHECK(turn_of("b", {a, b}) == Turn::wait);
    CHECK(turn_of("b", {b, c}) == Turn::begin);
    CHECK(turn_of("c", {b, c}) == Turn::wait);
    CHECK(turn_of("b", {b, {"d", RunState::running}}) == Turn::wait); // one that may overlap it began later
    CHECK(turn_of("b", {c}) == Turn::gone);
    CHECK(turn_of("a", {a}) == Turn::gone);
}

TEST_CASE("what becomes of a node follows from who else has it") {
    struct Row {
        Overlap policy;
        const char *ahead, *behind;
        NodeTurn turn;
    };
    using Node = NodeTurn::Kind;
    const auto row = GENERATE(values<Row>({
        {Overlap::skip, "", "", {}},
        {Overlap::skip, "", "c", {}},
        {Overlap::skip, "a", "", {Node::skip, false, "run a has not ended here (overlap: skip)"}},
        {Overlap::buffer_one, "", "c", {}},
        {Overlap::buffer_one, "a", "", {Node::wait, false, ""}},
        {Overlap::buffer_one, "a", "c", {Node::skip, false, "run c takes its place (overlap: buffer_one)"}},
        {Overlap::buffer_all, "a", "c", {Node::wait, false, ""}},
        {Overlap::cancel_other, "a", "", {Node::wait, true, ""}},
        {Overlap::cancel_other, "a", "c", {Node::skip, false, "run c takes its place (overlap: cancel_other)"}},
        {Overlap::allow, "a", "c", {}},
    }));
    CAPTURE(to_string(row.policy), row.ahead, row.behind);
    CHECK(decide_node(row.policy, row.ahead, row.behind) == row.turn);
}

} // namespace loom
