#pragma once
#include <cstddef>
#include <spdlog/fmt/fmt.h>
#include <string>
#include <string_view>

namespace loom {

/// `1 job`, `2 jobs`.
inline std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

} // namespace loom
