#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// What a caller must be allowed to do; each includes those before it.
enum class AccessScope : std::uint8_t {
    read,    ///< see runs, outputs, jobs and nodes
    operate, ///< start and cancel runs, pause jobs
    admin,   ///< change what is loaded, which host keys are trusted and who has a token; work on the daemon's own host
};

std::string_view to_string(AccessScope scope);
std::optional<AccessScope> parse_access_scope(std::string_view text);

/// What a caller may do, and to what.
struct Grant {
    AccessScope scope = AccessScope::read;
    std::vector<std::string> jobs; ///< patterns with * and ?; empty: every job, and commands without one
    std::string nodes;             ///< a NodeSet; empty: every node

    bool limited() const { return !jobs.empty() || !nodes.empty(); }
    friend bool operator==(const Grant&, const Grant&) = default;
};

/// Whether the grant's patterns take the job; a command without a job has the empty name. Pure.
bool covers_job(const Grant& grant, std::string_view job);

/// Who asks, once that is shown.
struct Principal {
    std::string by; ///< `user:anna`, `token:ci`
    Grant grant;
};

} // namespace loom
