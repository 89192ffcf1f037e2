#include "core/model/access.hpp"

#include "core/base/glob.hpp"

#include <algorithm>

namespace loom {
namespace {

constexpr std::string_view words[] = {"read", "operate", "admin"};

} // namespace

std::string_view to_string(AccessScope scope) { return words[static_cast<std::size_t>(scope)]; }

std::optional<AccessScope> parse_access_scope(std::string_view text) {
    const auto found = std::ranges::find(words, text);
    if (found == std::end(words)) return std::nullopt;
    return static_cast<AccessScope>(found - std::begin(words));
}

bool covers_job(const Grant& grant, std::string_view job) {
    if (grant.jobs.empty()) return true;
    return !job.empty() && std::ranges::any_of(grant.jobs, [&](const auto& pattern) { return glob_matches(pattern, job); });
}

} // namespace loom
