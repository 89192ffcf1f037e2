#include "core/schedule/overdue.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

namespace loom {
namespace {

using namespace std::chrono_literals;

} // namespace

TEST_CASE("a run is overdue beyond what is expected, or what is usual") {
    const std::vector<Milliseconds> past{10s, 40s, 20s};
    struct Row {
        Expect expect;
        std::vector<Milliseconds> past;
        std::optional<Overdue> overdue;
    };
    const auto row = GENERATE_COPY(values<Row>({
        {{}, past, {}},
        {{0ms, 30min, 0}, {}, Overdue{30min, "overdue: not finished within 30m00s"}},
        {{0ms, 0ms, 3}, past, Overdue{60s, "overdue: longer than 3 times the usual 20s"}},
        {{0ms, 0ms, 1.5}, {1s, 1s, 100s, 2s}, Overdue{3s, "overdue: longer than 1.5 times the usual 2.0s"}},
        {{0ms, 0ms, 3}, {10s, 40s}, {}}, // too few to tell
        {{0ms, 0ms, 2}, {5ms, 5ms, 5ms}, Overdue{1s, "overdue: longer than 2 times the usual 5ms"}},
        {{0ms, 30min, 3}, past, Overdue{60s, "overdue: longer than 3 times the usual 20s"}},
        {{0ms, 15s, 3}, past, Overdue{15s, "overdue: not finished within 15s"}},
    }));
    CHECK(overdue_of(row.expect, row.past) == row.overdue);
}

TEST_CASE("when a run is to have begun is counted from its instant, else from when it was asked for") {
    Run row;
    row.due = parse_instant("2026-01-31 08:00").value();
    row.started = *row.due + 5min;
    row.target_count = 2;
    row.counts[static_cast<std::size_t>(NodeState::queued)] = 2;
    row.reason = Reason::cron;
    Expect expect;
    CHECK_FALSE(start_of(expect, row));
    expect.start_within = 10min;
    CHECK(start_of(expect, row) == LateStart{*row.due + 10min, "overdue: not started within 10m00s"});
    row.reason = Reason::backfill;
    CHECK(start_of(expect, row)->at == row.started + 10min);
    CHECK_FALSE(has_begun(row));
    row.counts[static_cast<std::size_t>(NodeState::queued)] = 1;
    row.counts[static_cast<std::size_t>(NodeState::running)] = 1;
    CHECK(has_begun(row));
}

TEST_CASE("what is expected of a run is read, and a slip told") {
    const auto problems = [](const std::string& expect) {
        return tests::problems_of(
            tests::catalog_texts("jobs:\n  a: {command: x, targets: web1, schedule: '@daily', expect: " + expect + "}\n"));
    };
    CHECK(problems("{start_within: 10m, finish_within: 30m, longer_than_usual: 2.5}") == "");
    CHECK(tests::problems_of(tests::catalog_texts("jobs:\n  a: {command: x, targets: web1, schedule: {cron: '@daily', splay: 20m}, "
                                                  "expect: {start_within: 10m}}\n")) ==
          "jobs/web.yaml:2:3: expect: start_within: 10m00s is no more than the splay, 20m00s\n");
    CHECK(problems("{longer_than_usual: 0.5}") ==
          "jobs/web.yaml:2:82: expect: longer_than_usual: expected how many times as long, a number from 1 to 1000, not "
          "\"0.5\"\n");
    CHECK(problems("{finish_wihtin: 3m}") ==
          "jobs/web.yaml:2:63: expect: unknown key \"finish_wihtin\" (did you mean \"finish_within\"?)\n");
}

} // namespace loom
