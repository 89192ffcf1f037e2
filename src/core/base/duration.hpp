#pragma once
#include "core/base/error.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace loom {

using Milliseconds = std::chrono::milliseconds;

/// Reads `90s`, `5m`, `1h30m`, `250ms`, `2d`, `0` or a plain number of seconds; at most ten years.
Result<Milliseconds> parse_duration(std::string_view text);

/// `250ms`, `1.4s`, `12s`, `3m05s`, `2h10m`, `3d04h`: short, for people.
std::string short_duration(Milliseconds duration);

} // namespace loom
