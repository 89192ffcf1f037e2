#pragma once
#include "core/time/calendar.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace loom {

/// A parsed schedule expression: crontab(5) of cronie, and `@every`, seconds, H, L, W and # (docs/scheduling.md,
/// "Expressions"), `@at` too. A value; equal text and equal job name give equal values.
struct Cron {
    enum class Kind : std::uint8_t { fields, every, reboot, at };

    std::uint64_t seconds = 1; ///< bit n: second n
    std::uint64_t minutes = 0;
    std::uint32_t hours = 0;
    std::uint32_t days = 0; ///< bit n: day n of the month
    std::uint16_t months = 0;
    std::uint8_t weekdays = 0;                 ///< bit 0: Sunday
    std::uint8_t last_weekdays = 0;            ///< bit d: dL, the month's last weekday d
    std::uint32_t last_days = 0;               ///< bit n: n days before the month's last (L is bit 0)
    std::uint32_t near_weekdays = 0;           ///< bit n: nW, the weekday nearest to day n
    std::array<std::uint8_t, 6> nth_weekdays{}; ///< [n] bit d: d#n
    Kind kind = Kind::fields;
    bool days_and_weekdays = true;             ///< the day rule: both fields must match, else either
    bool both_days_restricted = false;         ///< `check` warns: crontab users often expect AND
    bool follows_elapsed_time = false;         ///< minute or hour field begins with `*` (or @every): no DST rule
    bool at_is_local = false;
    std::chrono::seconds every{0};
    std::chrono::milliseconds at{0}; ///< of @at, since 1970-01-01T00:00:00Z, or in the zone's wall time where `at_is_local`

    friend bool operator==(const Cron&, const Cron&) = default;
};

/// `job` seeds H: stable_hash of the field's name (`minute`), a newline and the job's name, modulo what H may take.
/// An Errc::config error says which field, what it held and what is allowed, and refuses a date that cannot come within
/// limits::cron_years.
Result<Cron> parse_cron(std::string_view text, std::string_view job = {});

enum class Gap : std::uint8_t { run_after, skip };
enum class Fold : std::uint8_t { first, last, both };

struct Schedule {
    std::string text; ///< as written, for people
    Cron cron;
    ZonePtr zone = utc_zone();
    std::chrono::milliseconds splay{0};
    std::optional<Instant> start, end; ///< both may still be due
    std::vector<CalendarPtr> only;     ///< due only while one of them holds; empty: always
    std::uint32_t count = 0;           ///< how many runs it starts in all; 0: no end
    Gap gap = Gap::run_after;
    Fold fold = Fold::first;

    friend bool operator==(const Schedule&, const Schedule&) = default;
};

/// Schedules of one text differ by what `H` stands for in them.
struct ScheduleHash {
    std::size_t operator()(const Schedule& schedule) const {
        const auto& cron = schedule.cron;
        const auto fields = cron.seconds ^ cron.minutes * 3 ^ cron.hours * 0x9e3779b97f4a7c15 ^ std::uint64_t{cron.days} << 32;
        return std::hash<std::string>()(schedule.text) ^ fields;
    }
};

/// The first instant strictly after `after` at which the schedule is due; nothing for @reboot, or when no date comes
/// within limits::cron_years. `count` is not looked at: it is a matter of what has run. Pure: depends on its arguments
/// alone.
std::optional<Instant> next(const Schedule& schedule, Instant after);

/// All of a schedule that makes it another one when it is changed: misses, and runs for `count`, are counted from when
/// this text came into force.
std::string identity(const Schedule& schedule);

} // namespace loom
