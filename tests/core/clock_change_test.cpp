#include "core/time/clock_change.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <random>

namespace loom {
namespace {

using namespace std::chrono;

Schedule schedule_of(std::string_view text, std::string_view zone, Gap gap = Gap::run_after, Fold fold = Fold::first) {
    Schedule schedule;
    schedule.text = text;
    schedule.cron = parse_cron(text).value();
    schedule.zone = find_zone(zone).value();
    schedule.gap = gap;
    schedule.fold = fold;
    return schedule;
}

/// What the clock changes of 2027 do to the schedule.
std::vector<ClockChange> changes_of_2027(const Schedule& schedule) {
    std::vector<ClockChange> changes;
    for (std::size_t i = 0; i < schedule.zone->transitions().size(); ++i) {
        const auto at = clocks_change_at(*schedule.zone, i);
        if (!at || *at < sys_days(2027y / 1 / 1) || *at >= sys_days(2028y / 1 / 1)) continue;
        if (const auto change = clock_change(schedule, i)) changes.push_back(*change);
    }
    return changes;
}

std::vector<std::string> words_of_2027(const Schedule& schedule) {
    std::vector<std::string> words;
    for (const auto& change : changes_of_2027(schedule)) words.push_back(to_words(change, *schedule.zone));
    return words;
}

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("a time that the clocks leave out or repeat is told with what becomes of it") {
    CHECK(words_of_2027(schedule_of("30 2 * * *", "Europe/Berlin")) ==
          Words{"02:30 does not exist on 2027-03-28 in Europe/Berlin: runs at 03:00",
                "02:30 comes twice on 2027-10-31 in Europe/Berlin: runs the first time only"});
    CHECK(words_of_2027(schedule_of("30 2 * * *", "Europe/Berlin", Gap::skip, Fold::last)) ==
          Words{"02:30 does not exist on 2027-03-28 in Europe/Berlin: does not run",
                "02:30 comes twice on 2027-10-31 in Europe/Berlin: runs the second time only"});
    CHECK(words_of_2027(schedule_of("30 2 * * *", "Europe/Berlin", Gap::run_after, Fold::both))[1] ==
          "02:30 comes twice on 2027-10-31 in Europe/Berlin: runs both times");
}

TEST_CASE("several times in one gap or fold are told together") {
    CHECK(words_of_2027(schedule_of("0,30 2 * * *", "Europe/Berlin")) ==
          Words{"02:00 and 02:30 do not exist on 2027-03-28 in Europe/Berlin: run once, at 03:00",
                "02:00 and 02:30 come twice on 2027-10-31 in Europe/Berlin: run the first time only"});
    CHECK(words_of_2027(schedule_of("5-55/10 1 * * *", "America/New_York")) ==
          Words{"01:05 to 01:55 come twice on 2027-11-07 in America/New_York: run the first time only"});
}

TEST_CASE("what follows elapsed time says so, whatever its rules for the clocks are") {
    CHECK(words_of_2027(schedule_of("*/30 * * * *", "Europe/Berlin", Gap::run_after, Fold::last)) ==
          Words{"02:00 and 02:30 do not exist on 2027-03-28 in Europe/Berlin: left out, as the job follows elapsed time",
                "02:00 and 02:30 come twice on 2027-10-31 in Europe/Berlin: run both times, as the job follows elapsed time"});
    const auto changes = changes_of_2027(schedule_of("15 */2 * * *", "Europe/Berlin"));
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].runs.empty());
    CHECK(changes[1].runs.size() == 2);
}

TEST_CASE("where no due time is in doubt, nothing is told") {
    CHECK(words_of_2027(schedule_of("0 4 * * *", "Europe/Berlin")).empty());
    CHECK(words_of_2027(schedule_of("30 2 * * mon", "Europe/Berlin")).empty());
    CHECK(words_of_2027(schedule_of("@every 90s", "Europe/Berlin")).empty());
    CHECK(words_of_2027(schedule_of("30 2 * * *", "UTC")).empty());
}

TEST_CASE("what is told of a clock change is what the schedule does") {
    const auto seed = tests::fresh_seed();
    INFO("LOOM_SEED=" << seed);
    std::mt19937 random(seed);
    constexpr const char* zones[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Gaza"};
    for (int round = 0; round < 300; ++round) {
        const auto hour = random() % 5;
        const auto text = std::to_string(random() % 60) + " " + (hour == 4 ? "*" : std::to_string(hour)) + " * * *";
        const auto gap = random() % 2 ? Gap::skip : Gap::run_after;
        const auto fold = static_cast<Fold>(random() % 3);
        const auto schedule = schedule_of(text, zones[random() % std::size(zones)], gap, fold);
        CAPTURE(text, schedule.zone->name(), static_cast<int>(gap), static_cast<int>(fold));
        for (const auto& change : changes_of_2027(schedule)) {
            const auto end = change.begin + 4h;
            std::vector<Instant> due;
            for (auto at = next(schedule, change.begin - 1ms); at && *at < end; at = next(schedule, *at)) due.push_back(*at);
            // It is due in the hours around that time, too.
            const auto doubtful = [&](Instant at) {
                const auto whole = floor<seconds>(at);
                return LocalSeconds(whole.time_since_epoch() + schedule.zone->offset_at(whole)) == change.first;
            };
            if (change.elapsed) std::erase_if(due, [&](Instant at) { return !doubtful(at); });
            CHECK(due == change.runs);
        }
    }
}

} // namespace loom
