#include "core/base/near.hpp"

#include <algorithm>
#include <vector>

namespace loom {
namespace {

/// Optimal string alignment distance, cut off above `most`.
std::size_t distance(std::string_view a, std::string_view b, std::size_t most) {
    if (a.size() > b.size() + most || b.size() > a.size() + most) return most + 1;
    std::vector<std::size_t> two(b.size() + 1), one(b.size() + 1), now(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) one[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            now[j] = std::min({one[j] + 1, now[j - 1] + 1, one[j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], two[j - 2] + 1);
        }
        std::swap(two, one);
        std::swap(one, now);
    }
    return one[b.size()];
}

} // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
    // A long name is no misspelling anyone can see; it also keeps hostile input cheap.
    if (word.size() > 256) return std::nullopt;
    std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
    std::optional<std::string> found;
    for (const auto& candidate : candidates) {
        const auto d = distance(word, candidate, best);
        if (d < best) {
            best = d;
            found = candidate;
        }
    }
    return found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
    const auto found = nearest(word, candidates);
    return found ? " (did you mean \"" + *found + "\"?)" : std::string{};
}

} // namespace loom
