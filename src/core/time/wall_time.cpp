#include "core/time/wall_time.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

Result<Instant> parse_wall_time(std::string_view text, const Zone& zone, Instant now) {
    constexpr std::size_t date_length = 10; // `2026-11-28`
    std::string whole(text);
    if (text.size() > 2 && text[2] == ':') whole = wall_time(now, zone).substr(0, date_length) + "T" + whole;
    const auto written = parse_written_time(whole);
    if (written) return instant_of(*written, zone);
    return usage_error(fmt::format("\"{}\" is not a time; expected e.g. 02:00, 2026-01-31T02:00 (both in {}) or 2026-01-31T02:00:00Z",
                                   text, zone.name()));
}

} // namespace loom
