#include "core/schedule/width.hpp"

#include <algorithm>

namespace loom {
namespace {

constexpr std::size_t width_least = 8;
constexpr Milliseconds lag_allowed{50};
constexpr std::size_t strained_one_in = 10;
constexpr std::size_t strained_least = 2; ///< one lost packet is no trend

} // namespace

std::size_t next_width(std::size_t width, const WidthFeedback& seen, std::size_t most) {
    auto next = width;
    if (seen.strained >= strained_least && seen.strained * strained_one_in >= seen.arrived + seen.strained) next = width / 2;
    else if (seen.lag > lag_allowed) next = width - width / 4;
    else if (seen.wanted) next = width + width / 4;
    return std::clamp(next, std::min(width_least, most), most);
}

} // namespace loom
