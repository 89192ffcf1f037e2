#include "core/time/calendar.hpp"
#include "core/time/cron.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

using namespace std::chrono;

Instant at(std::string_view text) { return parse_instant(text).value(); }

CalendarPtr calendar(std::vector<std::string> dates, std::vector<std::string> weekly, std::string_view zone = "Europe/Berlin") {
    std::vector<CalendarRule> rules;
    for (const auto& text : dates) rules.push_back(parse_calendar_dates(text).value());
    for (const auto& text : weekly) rules.push_back(parse_calendar_week(text).value());
    return std::make_shared<const Calendar>("c", find_zone(zone).value(), std::move(rules));
}

std::string text_of(std::optional<Instant> instant) { return instant ? to_rfc3339(*instant) : "never"; }

} // namespace

TEST_CASE("a calendar holds its days from midnight to midnight of its zone") {
    struct Row {
        std::string rule, inside, ends;
    };
    const std::vector<Row> rows = {
        {"2026-12-25", "2026-12-24T23:00:00Z", "2026-12-25T23:00:00Z"},
        {"2026-12-25", "2026-12-25T22:59:59Z", "2026-12-25T23:00:00Z"},
        {"2026-12-24..2027-01-01", "2026-12-31T12:00:00Z", "2027-01-01T23:00:00Z"},
        {"12-25", "2031-12-25T12:00:00Z", "2031-12-25T23:00:00Z"},
        {"12-24..01-01", "2028-12-30T12:00:00Z", "2029-01-01T23:00:00Z"},
        {"12-24..01-01", "2029-01-01T12:00:00Z", "2029-01-01T23:00:00Z"},
        {"02-29", "2028-02-29T12:00:00Z", "2028-02-29T23:00:00Z"},
        {"02-27..02-29", "2027-02-28T12:00:00Z", "2027-02-28T23:00:00Z"},
        {"2026-03-29", "2026-03-29T12:00:00Z", "2026-03-29T22:00:00Z"}, // 23 hours long
    };
    for (const auto& row : rows) {
        CAPTURE(row.rule, row.inside);
        CHECK(text_of(calendar({row.rule}, {})->end_of(at(row.inside))) == row.ends);
    }
    CHECK_FALSE(calendar({"2026-12-25"}, {})->end_of(at("2026-12-24T22:59:59Z")));
    CHECK_FALSE(calendar({"2026-12-25"}, {})->end_of(at("2026-12-25T23:00:00Z")));
    CHECK_FALSE(calendar({"02-29"}, {})->end_of(at("2027-02-28T12:00:00Z")));
    CHECK_FALSE(calendar({"02-29"}, {})->end_of(at("2027-03-01T12:00:00Z")));
}

TEST_CASE("a calendar's week has windows that go past midnight and past Sunday") {
    struct Row {
        std::string rule, inside, ends;
    };
    const std::vector<Row> rows = {
        {"fri 18:00 - mon 06:00", "2026-11-27T17:00:00Z", "2026-11-30T05:00:00Z"},
        {"fri 18:00 - mon 06:00", "2026-11-30T04:59:59Z", "2026-11-30T05:00:00Z"},
        {"22:00 - 06:00", "2026-11-28T00:00:00Z", "2026-11-28T05:00:00Z"},
        {"22:00 - 24:00", "2026-11-28T22:30:00Z", "2026-11-28T23:00:00Z"},
        {"sun", "2026-11-29T12:00:00Z", "2026-11-29T23:00:00Z"},
        {"sat - sun", "2026-11-28T12:00:00Z", "2026-11-29T23:00:00Z"},
        {"sun - mon", "2026-11-30T12:00:00Z", "2026-11-30T23:00:00Z"},
        {"sun 12:00 - sun 06:00", "2026-12-02T12:00:00Z", "2026-12-06T05:00:00Z"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.rule, row.inside);
        CHECK(text_of(calendar({}, {row.rule})->end_of(at(row.inside))) == row.ends);
    }
    CHECK_FALSE(calendar({}, {"fri 18:00 - mon 06:00"})->end_of(at("2026-11-30T05:00:00Z")));
    CHECK_FALSE(calendar({}, {"sun 12:00 - sun 06:00"})->end_of(at("2026-12-06T05:00:00Z")));
}

TEST_CASE("where clocks change, a window is one stretch without a hole") {
    // In Berlin 2026-10-25 03:00 becomes 02:00, and 2026-03-29 02:00 becomes 03:00.
    const auto until = calendar({}, {"sun 00:00 - sun 02:30"});
    CHECK(text_of(until->end_of(at("2026-10-25T00:45:00Z"))) == "2026-10-25T01:30:00Z"); // 02:45, and later 02:30 again
    CHECK(text_of(until->end_of(at("2026-03-29T00:30:00Z"))) == "2026-03-29T01:00:00Z");
    const auto from = calendar({}, {"sun 02:30 - sun 04:00"});
    CHECK(text_of(from->next_begin(at("2026-10-24T12:00:00Z"))) == "2026-10-25T00:30:00Z");
    CHECK(text_of(from->end_of(at("2026-10-25T01:10:00Z"))) == "2026-10-25T03:00:00Z");
    CHECK(text_of(from->next_begin(at("2026-03-28T12:00:00Z"))) == "2026-03-29T01:00:00Z");
    const auto in_gap = calendar({}, {"sun 02:10 - sun 02:50"});
    CHECK(text_of(in_gap->next_begin(at("2026-03-28T12:00:00Z"))) == "2026-04-05T00:10:00Z");
}

TEST_CASE("several calendars are left only where none holds any more") {
    const std::vector<CalendarPtr> freeze = {calendar({}, {"fri 18:00 - mon 06:00"}), calendar({"2026-11-30"}, {})};
    CHECK(text_of(first_outside(freeze, at("2026-11-28T12:00:00Z"))) == "2026-11-30T23:00:00Z");
    CHECK(text_of(first_outside(freeze, at("2026-12-01T12:00:00Z"))) == "2026-12-01T12:00:00Z");
    CHECK(text_of(first_inside(freeze, at("2026-12-01T12:00:00Z"))) == "2026-12-04T17:00:00Z");
    CHECK(text_of(first_inside(freeze, at("2026-11-28T12:00:00Z"))) == "2026-11-28T12:00:00Z");
    CHECK_FALSE(first_outside(std::vector{calendar({}, {"mon - wed", "thu - sun"})}, at("2026-11-28")));
    CHECK_FALSE(first_outside(std::vector{calendar({"01-01..12-31"}, {})}, at("2026-11-28")));
    CHECK(first_outside({}, at("2026-11-28")) == at("2026-11-28"));
    CHECK_FALSE(first_inside(std::vector{calendar({"2026-11-01"}, {})}, at("2026-11-28")));
    CHECK(text_of(first_inside(std::vector{calendar({"02-29"}, {})}, at("2096-03-01"))) == "2104-02-28T23:00:00Z");
}

TEST_CASE("a calendar's text that is none says what was expected") {
    for (const auto* text : {"", "2026-13-01", "25-12", "2026-12-25..", "12-25..2026-12-26", "tomorrow", "02-30"}) {
        CAPTURE(text);
        CHECK(parse_calendar_dates(text).error().message.find("is not a date; expected 2026-12-25") != std::string::npos);
    }
    CHECK(parse_calendar_dates("2026-12-25..2026-12-24").error().message.find("ends before it begins") != std::string::npos);
    CHECK(parse_calendar_week("frr 18:00 - mon 06:00").error().message.find("did you mean \"fri\"") != std::string::npos);
    for (const auto* text : {"", "fri", "fri 18:00", "fri 18:00 - 06:00", "fri - mon 06:00", "25:00 - 26:00", "fri fri - mon", "1:00 - 2:00",
                             "06:00 - 06:00", "fri 18:00 - fri 18:00"}) {
        CAPTURE(text);
        CHECK(parse_calendar_week(text).has_value() == (std::string(text) == "fri"));
    }
}

TEST_CASE("a schedule keeps to its start, its end and its calendars") {
    Schedule schedule;
    schedule.cron = parse_cron("0 12 * * *").value();
    const auto due = [&](std::string_view after) { return text_of(next(schedule, at(after))); };
    schedule.start = at("2026-12-01 12:00");
    schedule.end = at("2026-12-03 12:00");
    CHECK(due("2026-11-01") == "2026-12-01T12:00:00Z");
    CHECK(due("2026-12-02 12:00") == "2026-12-03T12:00:00Z");
    CHECK(due("2026-12-03 12:00") == "never");
    schedule.start = schedule.end = std::nullopt;
    schedule.only = {calendar({"2026-12-24..2026-12-25"}, {}), calendar({}, {"tue"})};
    CHECK(due("2026-12-22 12:00") == "2026-12-24T12:00:00Z");
    CHECK(due("2026-12-25 12:00") == "2026-12-29T12:00:00Z");
    schedule.only = {calendar({}, {"tue 13:00 - tue 15:00"})};
    CHECK(due("2026-12-25 12:00") == "2026-12-29T12:00:00Z"); // 13:00 in Berlin
    schedule.zone = find_zone("Europe/Berlin").value();
    CHECK(due("2026-12-25 12:00") == "never");
    schedule.only = {calendar({"2026-01-01"}, {})};
    CHECK(due("2026-12-25 12:00") == "never");
}

TEST_CASE("a one-shot is due once, in its own offset or in the schedule's zone") {
    Schedule schedule;
    schedule.zone = find_zone("Europe/Berlin").value();
    const auto due = [&](std::string_view text) {
        schedule.cron = parse_cron(text).value();
        const auto first = next(schedule, at("2026-01-01"));
        if (first) CHECK_FALSE(next(schedule, *first));
        return text_of(first);
    };
    CHECK(due("@at 2026-12-01T10:00:00Z") == "2026-12-01T10:00:00Z");
    CHECK(due("@at 2026-12-01T10:00:00+02:00") == "2026-12-01T08:00:00Z");
    CHECK(due("@at 2026-12-01T10:00:00") == "2026-12-01T09:00:00Z");
    CHECK(due("@AT 2026-12-01 10:00") == "2026-12-01T09:00:00Z");
    CHECK(due("@at 2026-03-29T02:30:00") == "2026-03-29T01:00:00Z"); // in the gap: right after it
    CHECK(due("@at 2026-10-25T02:30:00") == "2026-10-25T00:30:00Z"); // in the fold: the first
    CHECK(due("@at 2025-12-01T10:00:00Z") == "never");
    for (const auto* text : {"@at", "@at 2026-12-01", "@at noon", "@at 2026-12-01T10:00:00Z x"}) {
        CAPTURE(text);
        CHECK(parse_cron(text).error().message.find("@at: expected one time, e.g. @at 2026-12-01T10:00:00Z") != std::string::npos);
    }
}
