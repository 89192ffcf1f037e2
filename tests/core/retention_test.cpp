#include "core/schedule/retention.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

Instant at(long long hours) { return Instant(std::chrono::hours(500'000 + hours)); }

/// A run that began at this hour, was due then, and took no time.
PastRun run(long long hour, RunState state = RunState::ok, std::uint64_t bytes = 0) {
    PastRun made;
    made.key = hour;
    made.id = std::to_string(hour);
    made.state = state;
    made.started = at(hour);
    made.due = at(hour);
    if (state != RunState::running) made.finished = at(hour);
    made.bytes = bytes;
    return made;
}

Retention allow(std::chrono::hours age, std::uint64_t runs, std::uint64_t bytes) {
    Retention made;
    made.age = age;
    made.runs = runs;
    made.bytes = bytes;
    return made;
}

/// The hours of the runs that go.
std::vector<long long> gone(std::vector<PastRun> runs, const Retention& allowed, Instant now) {
    mark_needed(runs);
    const auto goes = beyond(runs, allowed, now);
    std::vector<long long> hours;
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (goes[i]) hours.push_back(runs[i].key);
    return hours;
}

using Hours = std::vector<long long>;
constexpr std::chrono::hours none{0};

} // namespace

TEST_CASE("runs beyond the age go, counted from their end") {
    CHECK(gone({run(9), run(6), run(5), run(4)}, allow(std::chrono::hours(4), 0, 0), at(9)) == Hours{4});
    auto longer = run(4);
    longer.finished = at(5);
    CHECK(gone({run(9), run(6), longer}, allow(std::chrono::hours(4), 0, 0), at(9)).empty());
    CHECK(gone({run(9), run(1)}, allow(none, 0, 0), at(1000)).empty());
}

TEST_CASE("the newest runs stay, and what did not run is counted apart") {
    CHECK(gone({run(5), run(4), run(3), run(2)}, allow(none, 2, 0), at(9)) == Hours{3, 2});
    const auto skip = RunState::skipped, miss = RunState::missed;
    CHECK(gone({run(9, skip), run(8, skip), run(7, miss), run(6), run(5, skip), run(4), run(3)}, allow(none, 2, 0), at(9)) ==
          Hours{7, 5, 3});
}

TEST_CASE("output is kept from the newest on, up to the bytes") {
    const auto ok = RunState::ok;
    CHECK(gone({run(5, ok, 10), run(4, ok, 10), run(3, ok, 1), run(2, ok, 0)}, allow(none, 0, 20), at(9)) == Hours{3, 2});
    CHECK(gone({run(5, ok, 100), run(4, ok, 0)}, allow(none, 0, 20), at(9)) == Hours{4});
}

TEST_CASE("what the next decision needs stays, whatever the limits") {
    const auto hour = std::chrono::hours(1);
    const auto skip = RunState::skipped, running = RunState::running;
    CHECK(gone({run(5), run(4)}, allow(hour, 1, 1), at(1000)) == Hours{4});
    // The newest that was started, behind rows that say that something was not.
    CHECK(gone({run(9, skip), run(8, skip), run(7), run(6)}, allow(hour, 1, 0), at(1000)) == Hours{8, 6});
    // What has not ended, and the newest that has.
    CHECK(gone({run(9, running), run(8, running), run(7), run(6)}, allow(hour, 1, 0), at(1000)) == Hours{6});
    // The greatest instant, though it is not the newest row: behind it catch-up would begin anew.
    auto late = run(3);
    late.due = at(100);
    CHECK(gone({run(5), run(4), late, run(2)}, allow(hour, 1, 0), at(1000)) == Hours{4, 2});
    auto manual = run(5);
    manual.due.reset();
    CHECK(gone({manual, run(4), run(3)}, allow(hour, 1, 0), at(1000)) == Hours{3});
}

TEST_CASE("a job's own limits go before those of all") {
    Catalog catalog;
    catalog.settings.retention = allow(std::chrono::hours(5), 7, 9);
    Job job;
    job.name = "a";
    job.policy->retention.runs = 3;
    job.policy->retention.bytes = 4;
    catalog.jobs.push_back(job);
    const auto own = retention_of(catalog, "a"), exec = retention_of(catalog, "");
    CHECK((own.age == std::chrono::hours(5) && own.runs == 3 && own.bytes == 4));
    CHECK((exec.age == std::chrono::hours(5) && exec.runs == 7 && exec.bytes == 0));
}
