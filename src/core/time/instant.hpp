#pragma once
#include "core/base/error.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace loom {

/// A point in UTC, in milliseconds: what schedules yield, what is stored and shown.
using Instant = std::chrono::sys_time<std::chrono::milliseconds>;

/// `2026-01-31T08:05:00Z`, with `.250` when there are milliseconds (RFC 3339).
std::string to_rfc3339(Instant instant);

/// A time as people write it. With `Z` or an offset it is an instant; else it is what the clocks of some zone show.
struct WrittenTime {
    std::chrono::local_time<std::chrono::milliseconds> wall{}; ///< as written
    std::optional<std::chrono::minutes> offset;                ///< of the wall time from UTC; none: the zone's
    bool whole_day = false;                                    ///< a date alone: `wall` is its beginning
};

/// Reads what `parse_instant` reads, and leaves open which zone is meant where none is given.
Result<WrittenTime> parse_written_time(std::string_view text);

/// Reads RFC 3339 with `Z` or an offset, or `YYYY-MM-DD[ HH:MM[:SS]]` taken as UTC.
Result<Instant> parse_instant(std::string_view text);

} // namespace loom
