#pragma once
#include "core/time/time_zone.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace loom {

/// One rule of a calendar, in local time: the times that it takes up, once or again and again.
struct CalendarRule {
    LocalSeconds begin{}, end{};     ///< up to `end`; of one of its times, where it is repeated
    std::chrono::seconds repeat{0};  ///< a day or a week of local time; 0: once
    bool yearly = false;             ///< the days from `first` to `last` of each year; `begin` and `end` do not count
    std::chrono::month_day first{}, last{}; ///< `last` may lie before `first`: in the following year then

    friend bool operator==(const CalendarRule&, const CalendarRule&) = default;
};

/// `2026-12-25`, `2026-12-24..2027-01-01`, and for each year `12-25`, `12-24..01-01`. Whole days, both included. Errors
/// are Errc::config.
Result<CalendarRule> parse_calendar_dates(std::string_view text);
/// `fri 18:00 - mon 06:00`, each day `22:00 - 06:00`, and whole days: `sun`, `sat - sun`.
Result<CalendarRule> parse_calendar_week(std::string_view text);

/// A named set of times, such as holidays or a weekly freeze. Each of its times is one stretch without a hole: where clocks
/// change it begins when its begin is first shown and ends when its end is last shown; what begins or ends in a gap does
/// so right after it. A value, any thread.
class Calendar {
public:
    Calendar(std::string name, ZonePtr zone, std::vector<CalendarRule> rules)
        : name_(std::move(name)), zone_(std::move(zone)), rules_(std::move(rules)) {}

    const std::string& name() const { return name_; }
    /// Where the stretch that holds this instant ends, the latest of several; nothing when none does.
    std::optional<Instant> end_of(Instant at) const;
    /// When the next stretch begins, strictly after.
    std::optional<Instant> next_begin(Instant after) const;

    /// Whether they take up the same times.
    friend bool operator==(const Calendar& a, const Calendar& b) {
        return a.name_ == b.name_ && a.zone_->name() == b.zone_->name() && a.rules_ == b.rules_;
    }

private:
    std::string name_;
    ZonePtr zone_;
    std::vector<CalendarRule> rules_;
};
using CalendarPtr = std::shared_ptr<const Calendar>;

/// The first of the calendars that holds this instant; null: none does.
const Calendar* calendar_at(std::span<const CalendarPtr> calendars, Instant at);
/// The first instant, from `at` on, at which none of them holds; nothing: not within limits::cron_years.
std::optional<Instant> first_outside(std::span<const CalendarPtr> calendars, Instant at);
/// The first instant, from `at` on, at which one of them holds.
std::optional<Instant> first_inside(std::span<const CalendarPtr> calendars, Instant at);

} // namespace loom
