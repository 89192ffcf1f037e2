#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace loom {

/// The candidate nearest to `word` by edit distance (with transpositions), if it is near enough to be a misspelling:
/// at most a third of the word's letters differ. Ties go to the first candidate.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// ` (did you mean "x"?)`, or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

} // namespace loom
