#include "core/schedule/retry.hpp"

#include <algorithm>

namespace loom {

std::optional<Milliseconds> next_attempt(const Retry& retry, int tries, bool may_help, double jitter) {
    if (!may_help || tries >= retry.connect) return std::nullopt;
    auto wait = retry.backoff_first;
    for (int i = 1; i < tries && wait < retry.backoff_most; ++i) wait *= 2;
    wait = std::min(wait, retry.backoff_most);
    return Milliseconds(static_cast<std::int64_t>(static_cast<double>(wait.count()) * (0.5 + jitter / 2)));
}

} // namespace loom
