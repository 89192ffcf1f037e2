#include "core/base/bytes.hpp"

#include <algorithm>
#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::uint64_t bytes_most = std::uint64_t{1} << 60;

/// Bytes of one unit; 0 where there is none of this name.
std::uint64_t unit_bytes(std::string unit) {
    std::transform(unit.begin(), unit.end(), unit.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (unit.empty() || unit == "b") return 1;
    constexpr std::string_view letters = "kmgt";
    const auto power = letters.find(unit[0]);
    const auto rest = unit.substr(1);
    const bool decimal = rest == "b";
    if (power == letters.npos || !(decimal || rest.empty() || rest == "ib")) return 0;
    std::uint64_t bytes = 1;
    for (std::size_t i = 0; i <= power; ++i) bytes *= decimal ? 1000 : 1024;
    return bytes;
}

} // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
    std::uint64_t amount = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), amount);
    auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    const auto bytes = ec == std::errc{} ? unit_bytes(std::string(unit)) : 0;
    if (bytes == 0 || amount > bytes_most / bytes)
        return usage_error(fmt::format("\"{}\" is no size; expected e.g. 10GiB, 500MiB, 64KiB or a number of bytes", text));
    return amount * bytes;
}

std::string size_words(std::uint64_t bytes) {
    if (bytes < 1024) return fmt::format("{} B", bytes);
    auto size = static_cast<double>(bytes);
    const char* unit = "KiB";
    for (const char* name : {"KiB", "MiB", "GiB", "TiB"}) {
        unit = name;
        size /= 1024;
        if (size < 1024) break;
    }
    return fmt::format("{:.1f} {}", size, unit);
}

} // namespace loom
