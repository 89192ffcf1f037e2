#include "core/time/calendar.hpp"

#include "core/base/limits.hpp"

#include <algorithm>

namespace loom {
namespace {

using namespace std::chrono;

struct Span {
    Instant begin, end;
};

/// Clocks that change put an instant at most so far from where its local time lies: Apia left out a day.
constexpr hours slack{26};

/// Between two of a yearly day: 29 February may stay away for eight years.
constexpr std::int64_t years_ahead = 9;

/// The number of the rule's time (of its year, its week) that begins last before this local time, or near.
std::int64_t number_at(const CalendarRule& rule, LocalSeconds local) {
    if (rule.yearly) return int(year_month_day(floor<days>(local)).year());
    if (rule.repeat == seconds(0)) return 0;
    const auto since = local - rule.begin;
    return since / rule.repeat - (since % rule.repeat < seconds(0));
}

/// That day; where the year has no 29 February, the last day of the month.
local_days last_day(year y, month_day day) {
    const auto date = y / day;
    return date.ok() ? local_days(date) : local_days(y / day.month() / std::chrono::last);
}

std::optional<Span> time_of(const CalendarRule& rule, std::int64_t number, const Zone& zone) {
    LocalSeconds begin, end;
    if (rule.yearly) {
        const year y(static_cast<int>(number));
        if (!(y / rule.first).ok()) return std::nullopt;
        begin = local_days(y / rule.first);
        end = last_day(rule.last < rule.first ? y + years(1) : y, rule.last) + days(1);
    } else {
        if (rule.repeat == seconds(0) && number != 0) return std::nullopt;
        begin = rule.begin + number * rule.repeat;
        end = rule.end + number * rule.repeat;
    }
    const Span found{shown_at(begin, zone).first, shown_at(end, zone).last};
    return found.begin < found.end ? std::optional(found) : std::nullopt; // a gap may swallow it
}

/// Whether the rule's time of this number may lie around `local`: spares the look-up in the zone.
bool may_hold(const CalendarRule& rule, std::int64_t number, LocalSeconds local) {
    if (rule.yearly) return true;
    const auto shift = number * rule.repeat;
    return rule.begin + shift - slack <= local && local <= rule.end + shift + slack;
}

LocalSeconds local_time(Instant at, const Zone& zone) {
    const auto whole = floor<seconds>(at);
    return LocalSeconds(whole.time_since_epoch() + zone.offset_at(whole));
}

} // namespace

std::optional<Instant> Calendar::end_of(Instant at) const {
    const auto local = local_time(at, *zone_);
    std::optional<Instant> end;
    for (const auto& rule : rules_) {
        const auto around = number_at(rule, local);
        for (auto number = around - 1; number <= around + 1; ++number) {
            if (!may_hold(rule, number, local)) continue;
            const auto found = time_of(rule, number, *zone_);
            if (found && found->begin <= at && at < found->end) end = std::max(end.value_or(found->end), found->end);
        }
    }
    return end;
}

std::optional<Instant> Calendar::next_begin(Instant after) const {
    const auto local = local_time(after, *zone_);
    std::optional<Instant> begin;
    for (const auto& rule : rules_) {
        const auto around = number_at(rule, local);
        for (auto number = around - 1; number <= around + (rule.yearly ? years_ahead : 3); ++number) {
            const auto found = time_of(rule, number, *zone_);
            if (!found || found->begin <= after) continue;
            begin = std::min(begin.value_or(found->begin), found->begin);
            break;
        }
    }
    return begin;
}

const Calendar* calendar_at(std::span<const CalendarPtr> calendars, Instant at) {
    const auto holds = std::ranges::find_if(calendars, [&](const auto& calendar) { return calendar->end_of(at).has_value(); });
    return holds == calendars.end() ? nullptr : holds->get();
}

std::optional<Instant> first_outside(std::span<const CalendarPtr> calendars, Instant at) {
    const auto last = at + years(limits::cron_years);
    while (const auto* holds = calendar_at(calendars, at)) {
        at = *holds->end_of(at);
        if (at > last) return std::nullopt;
    }
    return at;
}

std::optional<Instant> first_inside(std::span<const CalendarPtr> calendars, Instant at) {
    if (calendar_at(calendars, at)) return at;
    std::optional<Instant> first;
    for (const auto& calendar : calendars)
        if (const auto begin = calendar->next_begin(at)) first = std::min(first.value_or(*begin), *begin);
    return first;
}

} // namespace loom
