#include "core/schedule/successor.hpp"
#include "support/catch.hpp"

#include <random>

namespace loom {

TEST_CASE("what comes after an instant is the same whatever was asked before") {
    using namespace std::chrono;
    std::vector<Schedule> schedules;
    for (const auto* const text : {"*/5 * * * *", "0 * * * *", "0 * * * *", "0 0 1 * *", "@every 90s", "@at 2026-01-01T01:00:00Z", "@reboot"}) {
        Schedule schedule;
        schedule.cron = parse_cron(text).value();
        schedules.push_back(schedule);
    }
    // Few of each, so that the same schedule, the same instant, and both come twice in a row.
    std::mt19937 random(7);
    Successor successor;
    for (int i = 0; i < 1000; ++i) {
        const auto& schedule = schedules[random() % schedules.size()];
        const Instant due = sys_days(2026y / 1 / 1) + minutes(30) * (random() % 3);
        const bool same = successor.of(schedule, due) == next(schedule, due);
        if (!same) REQUIRE(same);
    }
    CHECK(successor.of(schedules[0], sys_days(2026y / 1 / 1)) == sys_days(2026y / 1 / 1) + minutes(5));
}

} // namespace loom
