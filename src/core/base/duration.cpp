#include "core/base/duration.hpp"

#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::int64_t longest_ms = 10LL * 366 * 24 * 3600 * 1000;

std::int64_t unit_ms(std::string_view unit) {
    if (unit == "ms") return 1;
    if (unit.empty() || unit == "s") return 1000;
    if (unit == "m") return 60'000;
    if (unit == "h") return 3'600'000;
    if (unit == "d") return 86'400'000;
    return 0;
}

} // namespace

Result<Milliseconds> parse_duration(std::string_view text) {
    const Error bad = usage_error(fmt::format("\"{}\" is not a duration; expected e.g. 250ms, 90s, 5m, 1h30m, 2d", text));
    if (text.empty()) return bad;
    std::int64_t total = 0;
    for (auto rest = text; !rest.empty();) {
        std::int64_t amount = 0;
        const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), amount);
        if (ec != std::errc{} || amount < 0) return bad;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const auto letters = std::min(rest.find_first_of("0123456789"), rest.size());
        const auto unit = unit_ms(rest.substr(0, letters));
        if (unit == 0 || (letters == 0 && total != 0) || amount > longest_ms / unit) return bad;
        total += amount * unit;
        if (total > longest_ms) return usage_error(fmt::format("\"{}\" is longer than ten years", text));
        rest.remove_prefix(letters);
    }
    return Milliseconds(total);
}

std::string short_duration(Milliseconds duration) {
    const auto ms = duration.count();
    if (ms < 1000) return fmt::format("{}ms", ms);
    if (ms < 10'000) return fmt::format("{:.1f}s", static_cast<double>(ms) / 1000);
    const auto s = ms / 1000;
    if (s < 60) return fmt::format("{}s", s);
    if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
    if (s < 86'400) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
    return fmt::format("{}d{:02}h", s / 86'400, s / 3600 % 24);
}

} // namespace loom
