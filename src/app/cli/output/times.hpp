#pragma once
#include "core/time/instant.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace loom {

/// `12s ago`, `in 5m`, `100d ago`, `now`: never a date, which would be another one in other zones. Pure.
std::string relative_time(Instant at, Instant now);
/// The same for a view's RFC 3339 text; empty without one, and the text itself when it is none.
std::string relative_time(const std::optional<std::string>& at, Instant now);
/// From one RFC 3339 text to another: `4.2s`; empty when one is missing.
std::string time_between(const std::string& from, const std::optional<std::string>& to);

/// `Sat`.
std::string weekday_name(std::chrono::weekday day);

/// A `wall_time` for people: `Sat 2026-01-31 08:05:00 +01:00`; the text itself when it is none.
std::string friendly_wall_time(const std::string& text);

} // namespace loom
