#pragma once
#include "core/time/time_zone.hpp"

namespace loom {

/// Reads a time as a person in the zone writes it: `02:00` (today there), `2026-11-28`, `2026-11-28T02:00`, or RFC 3339
/// with `Z` or an offset. Of a time that comes twice the first is meant, of one that is left out the end of the gap. Pure.
Result<Instant> parse_wall_time(std::string_view text, const Zone& zone, Instant now);

} // namespace loom
