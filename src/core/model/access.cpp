#include "core/model/access.hpp"

#include <algorithm>

namespace loom {
namespace {

constexpr std::string_view words[] = {"read", "operate", "admin"};

/// `*` any text, `?` any one character, as in a shell's names; linear in both but for one star's steps back.
bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p, ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

} // namespace

std::string_view to_string(AccessScope scope) { return words[static_cast<std::size_t>(scope)]; }

std::optional<AccessScope> parse_access_scope(std::string_view text) {
    const auto found = std::ranges::find(words, text);
    if (found == std::end(words)) return std::nullopt;
    return static_cast<AccessScope>(found - std::begin(words));
}

bool covers_job(const Grant& grant, std::string_view job) {
    if (grant.jobs.empty()) return true;
    return !job.empty() && std::ranges::any_of(grant.jobs, [&](const auto& pattern) { return matches(pattern, job); });
}

} // namespace loom
