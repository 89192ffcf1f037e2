#include "core/schedule/fan_out.hpp"

#include "core/schedule/pace.hpp"
#include "core/schedule/retry.hpp"
#include "core/schedule/width.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <set>

namespace loom {
namespace {

using Ends = std::vector<std::uint32_t>;

std::vector<Amount> amounts(const std::vector<std::string>& texts) {
    std::vector<Amount> list;
    for (const auto& text : texts) list.push_back(parse_amount(text).value());
    return list;
}

Threshold threshold(const std::string& text) { return parse_threshold(text).value(); }

Counts counts(const std::vector<std::pair<NodeState, std::uint32_t>>& nodes) {
    Counts all{};
    for (const auto& [state, count] : nodes) all[static_cast<std::size_t>(state)] = count;
    return all;
}

} // namespace

TEST_CASE("amounts are counts or shares, exact to a thousandth") {
    CHECK(parse_amount("10").value() == Amount{10'000, false});
    CHECK(parse_amount(" 2.5 % ").value() == Amount{2'500, true});
    CHECK(parse_amount("0.125%").value() == Amount{125, true});
    CHECK(parse_amount("3.0").value() == Amount{3'000, false});
    for (const std::string bad : {"", "%", "-1", "1.5", "1.", ".5", "1e3", "101%", "0.0001%", "9999999999", "10 nodes"})
        CHECK(parse_amount(bad).has_error());
    CHECK(threshold(">=99%").inclusive);
    CHECK(threshold(" > 5 % ").text == ">5 %");
    for (const std::string bad : {"5%", "<5%", "=5", ">", ">=", "> x"}) CHECK(parse_threshold(bad).has_error());
    CHECK(parse_threshold("5%").error().message == "expected > or >= and a count or share, such as \">5%\", not \"5%\"");
}

TEST_CASE("a threshold is passed exactly where it says") {
    struct Row {
        const char* text;
        std::size_t count, whole;
        bool passed;
    };
    for (const auto& row : std::vector<Row>{{">5%", 1, 20, false}, {">5%", 2, 20, true},      {">=5%", 1, 20, true},
                                            {">0%", 0, 20, false}, {">0%", 1, 20, true},      {">2", 2, 20, false},
                                            {">2", 3, 20, true},   {">=3", 3, 20, true},      {">0.1%", 1, 1000, false},
                                            {">0.1%", 2, 1000, true}, {">=99%", 99, 100, true}, {">=99%", 98, 100, false},
                                            {">=100%", 7, 7, true}, {">=33.333%", 1, 3, true}}) {
        CAPTURE(row.text, row.count, row.whole);
        CHECK(passes(threshold(row.text), row.count, row.whole) == row.passed);
    }
}

TEST_CASE("waves are cumulative, round up, and end with every target") {
    struct Row {
        std::vector<std::string> waves;
        std::size_t targets;
        Ends ends;
    };
    for (const auto& row : std::vector<Row>{{{}, 5, {5}},
                                            {{}, 0, {}},
                                            {{"100%"}, 5, {5}},
                                            {{"1", "10%", "100%"}, 100, {1, 10, 100}},
                                            {{"1", "10%", "100%"}, 5, {1, 5}}, // a tenth of five is one, that was the first
                                            {{"1", "10%", "100%"}, 1, {1}},
                                            {{"50", "100%"}, 20, {20}},
                                            {{"33.4%", "100%"}, 3, {2, 3}},
                                            {{"1", "2"}, 5, {1, 2, 5}}}) {
        CAPTURE(row.targets, row.waves.size());
        CHECK(wave_ends(amounts(row.waves), row.targets) == row.ends);
    }
}

TEST_CASE("stop_when counts failures and unreachable nodes of the wave apart") {
    StopWhen rule;
    rule.failed = threshold(">20%");
    rule.unreachable = threshold(">1");
    const auto reason = [&](const Counts& wave, std::size_t waves = 1) { return stop_reason(rule, wave, 10, 2, waves); };
    CHECK_FALSE(reason({}));
    CHECK_FALSE(reason(counts({{NodeState::failed, 2}, {NodeState::ok, 8}})));
    CHECK_FALSE(reason(counts({{NodeState::cancelled, 9}, {NodeState::skipped, 1}})));
    CHECK(reason(counts({{NodeState::failed, 1}, {NodeState::timed_out, 1}, {NodeState::lost, 1}})) ==
          "stop_when: 3 of 10 nodes failed (>20%)");
    CHECK(reason(counts({{NodeState::unreachable, 2}}), 3) == "stop_when: 2 of wave 2's 10 nodes unreachable (>1)");
    CHECK_FALSE(stop_reason({}, counts({{NodeState::failed, 10}}), 10, 1, 1));
}

TEST_CASE("the dial order is the inventory's, a permutation of the seed's, or takes a label's values in turns") {
    std::vector<Node> nodes(7);
    const char* racks[] = {"r2", "r2", "r10", "r10", "r10", nullptr, "r2"};
    std::vector<const Node*> all;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (racks[i]) nodes[i].labels["rack"] = racks[i];
        all.push_back(&nodes[i]);
    }
    CHECK(dial_order({}, all, "x") == Ends{0, 1, 2, 3, 4, 5, 6});
    CHECK(dial_order({DialOrder::Kind::label, "rack"}, all, "x") == Ends{5, 0, 2, 1, 3, 6, 4});
    const auto one = dial_order({DialOrder::Kind::random, ""}, all, "0198a1b2-c3d4");
    CHECK(one == Ends{4, 5, 6, 0, 2, 1, 3}); // stays so: a run can be explained later
    CHECK(dial_order({DialOrder::Kind::random, ""}, all, "0198a1b2-c3d4") == one);
    std::set<Ends> several;
    for (int i = 0; i < 50; ++i) {
        auto order = dial_order({DialOrder::Kind::random, ""}, all, std::to_string(i));
        several.insert(order);
        std::ranges::sort(order);
        CHECK(order == Ends{0, 1, 2, 3, 4, 5, 6});
    }
    CHECK(several.size() > 40);
    CHECK(dial_order({DialOrder::Kind::random, ""}, {}, "x").empty());
}

TEST_CASE("a run's end follows from its nodes, its rules and what stopped it") {
    const auto all_ok = counts({{NodeState::ok, 3}, {NodeState::changed, 1}});
    const auto one_failed = counts({{NodeState::ok, 3}, {NodeState::failed, 1}});
    const auto two_ended = counts({{NodeState::ok, 1}, {NodeState::failed, 1}});
    const auto one_cancelled = counts({{NodeState::ok, 3}, {NodeState::cancelled, 1}});
    const auto ran_once = counts({{NodeState::unreachable, 1}, {NodeState::ok, 1}, {NodeState::skipped, 2}});
    struct Row {
        const char* name;
        Counts ended;
        std::optional<RunState> stopped;
        std::optional<std::string> halted;
        std::string success;
        bool once;
        RunEnd end;
    };
    const std::vector<Row> rows{
        {"all well", all_ok, {}, {}, "", false, {RunState::ok, ""}},
        {"one failed", one_failed, {}, {}, "", false, {RunState::failed, ""}},
        {"nobody dialled the rest", two_ended, {}, {}, "", false, {RunState::failed, ""}},
        {"cancelled while nodes ran", one_cancelled, RunState::cancelled, {}, "", false, {RunState::cancelled, "told to"}},
        {"cancelled between waves", two_ended, RunState::cancelled, {}, "", false, {RunState::cancelled, "told to"}},
        {"cancelled too late", all_ok, RunState::cancelled, {}, "", false, {RunState::ok, ""}},
        {"its deadline passed", two_ended, RunState::timed_out, {}, "", false, {RunState::timed_out, "told to"}},
        {"a rule stopped it", two_ended, {}, "rule", "", false, {RunState::failed, "rule"}},
        {"a rule, whatever success says", two_ended, {}, "rule", ">=1%", false, {RunState::failed, "rule"}},
        {"a rule stopped it, then a late cancel", two_ended, RunState::cancelled, "rule", "", false, {RunState::failed, "rule"}},
        {"a rule stopped it, then a cancel of nodes", one_cancelled, RunState::cancelled, "rule", "", false,
         {RunState::cancelled, "told to"}},
        {"enough succeeded", one_failed, {}, {}, ">=75%", false,
         {RunState::ok, "success_when: 3 of 4 nodes are ok (>=75%)"}},
        {"too few succeeded", one_failed, {}, {}, ">75%", false,
         {RunState::failed, "success_when: 3 of 4 nodes are ok, not >75%"}},
        {"all succeeded", all_ok, {}, {}, ">=99%", false, {RunState::ok, ""}},
        {"skipped nodes do not count", counts({{NodeState::ok, 1}, {NodeState::skipped, 3}}), {}, {}, ">=100%", false,
         {RunState::ok, ""}},
        {"once: the reached one decides", ran_once, {}, {}, "", true, {RunState::ok, ""}},
        {"once: nobody was reached", counts({{NodeState::unreachable, 4}}), {}, {}, "", true, {RunState::failed, ""}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        EndFacts facts;
        facts.ended = row.ended;
        facts.targets = 4;
        facts.stopped = row.stopped;
        facts.stop_message = "told to";
        facts.halted = row.halted;
        facts.run_once = row.once;
        if (!row.success.empty()) facts.success_ok = threshold(row.success);
        CHECK(run_end(facts) == row.end);
    }
}

TEST_CASE("a task runs again only by its exit status, and no more often than asked") {
    struct Row {
        int retries;
        std::vector<int> on_exit;
        int runs;
        NodeState state;
        std::optional<int> exit;
        bool again;
    };
    for (const auto& row : std::vector<Row>{{0, {}, 1, NodeState::failed, 1, false},
                                            {1, {}, 1, NodeState::failed, 1, true},
                                            {1, {}, 2, NodeState::failed, 1, false},
                                            {3, {75}, 1, NodeState::failed, 75, true},
                                            {3, {75}, 1, NodeState::failed, 1, false},
                                            {3, {}, 1, NodeState::failed, {}, false}, // a signal, or bad arguments
                                            {3, {}, 1, NodeState::ok, 0, false},
                                            {3, {}, 1, NodeState::lost, {}, false},
                                            {3, {}, 1, NodeState::timed_out, {}, false},
                                            {3, {}, 1, NodeState::unreachable, {}, false}}) {
        Retry retry;
        retry.task = row.retries;
        retry.on_exit = row.on_exit;
        Outcome last;
        last.state = row.state;
        last.exit_status = row.exit;
        CAPTURE(row.retries, row.runs, to_string(row.state));
        CHECK(next_task_run(retry, row.runs, last, 0).has_value() == row.again);
    }
    Retry retry;
    retry.task = 9;
    Outcome failed;
    failed.exit_status = 1;
    CHECK(next_task_run(retry, 1, failed, 0) == Milliseconds(500));
    CHECK(next_task_run(retry, 3, failed, 0) == Milliseconds(2000));
    CHECK(next_task_run(retry, 9, failed, 0) == Milliseconds(7500));
    CHECK(ledger_pause(1) == Milliseconds(100));
    CHECK(ledger_pause(1000) == Milliseconds(10'000));
}

TEST_CASE("a pace lets so many start in a second, and saves up little") {
    using namespace std::chrono_literals;
    const Pace::Time begin{1h};
    struct Row {
        std::size_t per_second, wanted, in_one_second;
    };
    for (const auto& row : std::vector<Row>{{1, 5, 1}, {5, 100, 5}, {200, 1000, 209}, {1000, 3, 1000}}) {
        CAPTURE(row.per_second);
        Pace pace(row.per_second);
        std::size_t started = 0;
        for (auto now = begin; now < begin + 1s;) {
            const auto starts = pace.ready(now, row.wanted);
            pace.take(starts);
            started += starts;
            now += std::max<std::chrono::nanoseconds>(pace.wait(), 1ns);
        }
        CHECK(started <= row.in_one_second);
        CHECK(started >= row.per_second * 9 / 10);
        // After a long silence no more than 50 ms' worth comes at once.
        CHECK(pace.ready(begin + 1h, 100'000) == std::max<std::size_t>(1, row.per_second / 20));
    }
    Pace none;
    CHECK(none.ready(begin, 7) == 7);
    none.take(7);
    CHECK(none.wait() == 0ns);
    Pace later(1);
    later.change(1000);
    CHECK(later.ready(begin, 100) == 1);
    CHECK(later.ready(begin - 1s, 100) == 1); // a clock that steps back gives nothing away
}

TEST_CASE("the width follows what the window saw") {
    struct Row {
        const char* name;
        WidthFeedback seen;
        std::size_t width, next;
    };
    for (const auto& row : std::vector<Row>{{"nothing is wanted", {}, 64, 64},
                                            {"places are wanted", {true, 50, 0, Milliseconds(1)}, 64, 80},
                                            {"one dropped connection is no trend", {true, 3, 1, Milliseconds(1)}, 64, 80},
                                            {"many are dropped", {true, 50, 10, Milliseconds(1)}, 64, 32},
                                            {"few are dropped", {true, 90, 5, Milliseconds(1)}, 64, 80},
                                            {"the pool lags", {true, 50, 0, Milliseconds(80)}, 64, 48},
                                            {"dropped and lagging", {true, 50, 50, Milliseconds(80)}, 64, 32},
                                            {"not below 8", {true, 0, 50, Milliseconds(80)}, 9, 8},
                                            {"not above the bound", {true, 50, 0, Milliseconds(0)}, 900, 1000}}) {
        CAPTURE(row.name);
        CHECK(next_width(row.width, row.seen, 1000) == row.next);
    }
    CHECK(next_width(4, {true, 0, 9, Milliseconds(0)}, 4) == 4); // few descriptors bound it first
}

namespace {

/// Seconds that a fleet of 10,000 takes, in windows: each node works so long, and so many may end in a second before the
/// machine is late. `adapts`: by next_width from 64 on, else always 64.
double simulate(double node_seconds, double machine_per_second, bool adapts) {
    constexpr double window = 0.5;
    double left = 10'000, took = 0;
    std::size_t width = 64;
    while (left > 0) {
        const auto asked = static_cast<double>(width) / node_seconds;
        const auto ended = std::min(asked, machine_per_second) * window;
        left -= ended;
        took += window;
        WidthFeedback seen;
        seen.wanted = left > static_cast<double>(width);
        seen.arrived = static_cast<std::size_t>(ended);
        seen.lag = Milliseconds(asked > machine_per_second ? 200 : 1);
        if (adapts) width = next_width(width, seen, 10'000);
    }
    return took;
}

} // namespace

TEST_CASE("auto is far faster where nodes are slow, and hardly slower where the machine is full") {
    CHECK(simulate(30, 200, false) > 4600);
    CHECK(simulate(30, 200, true) < 150);
    CHECK(simulate(0.1, 200, true) < 1.2 * simulate(0.1, 200, false));
}

} // namespace loom
