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
        {{30min, 0}, {}, Overdue{30min, "overdue: not finished within 30m00s"}},
        {{0ms, 3}, past, Overdue{60s, "overdue: longer than 3 times the usual 20s"}},
        {{0ms, 1.5}, {1s, 1s, 100s, 2s}, Overdue{3s, "overdue: longer than 1.5 times the usual 2.0s"}},
        {{0ms, 3}, {10s, 40s}, {}}, // too few to tell
        {{0ms, 2}, {5ms, 5ms, 5ms}, Overdue{1s, "overdue: longer than 2 times the usual 5ms"}},
        {{30min, 3}, past, Overdue{60s, "overdue: longer than 3 times the usual 20s"}},
        {{15s, 3}, past, Overdue{15s, "overdue: not finished within 15s"}},
    }));
    CHECK(overdue_of(row.expect, row.past) == row.overdue);
}

TEST_CASE("what is expected of a run is read, and a slip told") {
    const auto problems = [](const std::string& expect) {
        return tests::problems_of(
            tests::catalog_texts("jobs:\n  a: {command: x, targets: web1, schedule: '@daily', expect: " + expect + "}\n"));
    };
    CHECK(problems("{finish_within: 30m, longer_than_usual: 2.5}") == "");
    CHECK(problems("{longer_than_usual: 0.5}") ==
          "jobs/web.yaml:2:82: expect: longer_than_usual: expected how many times as long, a number from 1 to 1000, not "
          "\"0.5\"\n");
    CHECK(problems("{finish_wihtin: 3m}") ==
          "jobs/web.yaml:2:63: expect: unknown key \"finish_wihtin\" (did you mean \"finish_within\"?)\n");
}

} // namespace loom
