#include "core/base/near.hpp"
#include "core/time/calendar.hpp"

#include <algorithm>
#include <array>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using namespace std::chrono;

const std::array<std::string, 7> short_weekdays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr LocalSeconds some_monday = local_days(year(2024) / 1 / 1);

std::string_view without_blanks(std::string_view text) {
    const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// The text before and behind the mark; one text where it does not occur.
std::vector<std::string_view> parts(std::string_view text, std::string_view mark) {
    const auto at = text.find(mark);
    if (at == text.npos) return {without_blanks(text)};
    return {without_blanks(text.substr(0, at)), without_blanks(text.substr(at + mark.size()))};
}

std::optional<unsigned> number(std::string_view text, std::size_t digits) {
    if (text.size() != digits || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
    unsigned value = 0;
    for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
}

std::optional<month_day> month_and_day(std::string_view text) {
    if (text.size() != 5 || text[2] != '-') return std::nullopt;
    const auto m = number(text.substr(0, 2), 2), d = number(text.substr(3), 2);
    if (!m || !d) return std::nullopt;
    const auto date = month(*m) / day(*d);
    return date.ok() ? std::optional(date) : std::nullopt;
}

std::optional<local_days> date(std::string_view text) {
    if (text.size() != 10) return std::nullopt;
    const auto written = parse_written_time(text);
    return written ? std::optional(floor<days>(written->wall)) : std::nullopt;
}

/// A point of the week or the day. A day without a time is the whole day.
struct Point {
    std::optional<unsigned> weekday; ///< Monday is 0
    std::optional<seconds> time;
};

Result<Point> parse_point(std::string_view text) {
    Point point;
    for (const auto word : parts(text, " ")) {
        const auto time = parts(word, ":");
        if (time.size() == 2) {
            const auto hour = number(time[0], 2), minute = number(time[1], 2);
            if (!hour || !minute || *hour > 24 || *minute > 59 || (*hour == 24 && *minute > 0) || point.time)
                return Error{Errc::config, fmt::format("\"{}\" is not a time of the day; expected e.g. 06:00 or 24:00", word)};
            point.time = hours(*hour) + minutes(*minute);
            continue;
        }
        const auto found = std::ranges::find(short_weekdays, word);
        if (found == short_weekdays.end() || point.weekday || point.time)
            return Error{Errc::config, fmt::format("\"{}\" is not a weekday{}; expected mon, tue, wed, thu, fri, sat or sun, and a "
                                                   "time behind it, as in \"fri 18:00 - mon 06:00\"",
                                                   word, did_you_mean(word, short_weekdays))};
        point.weekday = static_cast<unsigned>(found - short_weekdays.begin());
    }
    return point;
}

} // namespace

Result<CalendarRule> parse_calendar_dates(std::string_view text) {
    const auto ends = parts(text, "..");
    CalendarRule rule;
    if (const auto first = date(ends.front()), last = date(ends.back()); first && last) {
        if (*last < *first) return Error{Errc::config, fmt::format("\"{}\" ends before it begins", text)};
        rule.begin = *first;
        rule.end = *last + days(1);
        return rule;
    }
    if (const auto first = month_and_day(ends.front()), last = month_and_day(ends.back()); first && last) {
        rule.yearly = true;
        rule.first = *first;
        rule.last = *last;
        return rule;
    }
    return Error{Errc::config, fmt::format("\"{}\" is not a date; expected 2026-12-25, 2026-12-24..2027-01-01, or 12-25 and "
                                           "12-24..01-01 for each year",
                                           text)};
}

Result<CalendarRule> parse_calendar_week(std::string_view text) {
    const auto ends = parts(text, "-");
    const auto first = parse_point(ends.front()), last = parse_point(ends.back());
    if (!first) return first.error();
    if (!last) return last.error();
    const bool by_week = first->weekday && last->weekday;
    if (first->weekday.has_value() != last->weekday.has_value() || first->time.has_value() != last->time.has_value() ||
        (first->time && ends.size() == 1))
        return Error{Errc::config, fmt::format("\"{}\" is not a time of the week; expected \"fri 18:00 - mon 06:00\", each day "
                                               "\"22:00 - 06:00\", or whole days: \"sun\", \"sat - sun\"",
                                               text)};
    CalendarRule rule;
    rule.repeat = by_week ? seconds(weeks(1)) : seconds(days(1));
    rule.begin = some_monday + days(first->weekday.value_or(0)) + first->time.value_or(seconds(0));
    rule.end = some_monday + days(last->weekday.value_or(0)) + last->time.value_or(seconds(days(1)));
    if (rule.end == rule.begin) return Error{Errc::config, fmt::format("\"{}\" ends where it begins", text)};
    if (rule.end < rule.begin) rule.end += rule.repeat;
    return rule;
}

} // namespace loom
