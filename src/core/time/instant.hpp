#pragma once
#include "core/base/error.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace loom {

/// A point in UTC, in milliseconds: what schedules yield, what is stored and shown.
using Instant = std::chrono::sys_time<std::chrono::milliseconds>;

/// `2026-01-31T08:05:00Z`, with `.250` when there are milliseconds (RFC 3339).
std::string to_rfc3339(Instant instant);

/// Reads RFC 3339 with `Z` or an offset, or `YYYY-MM-DD[ HH:MM[:SS]]` taken as UTC.
Result<Instant> parse_instant(std::string_view text);

} // namespace loom
