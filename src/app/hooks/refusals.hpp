#pragma once
#include "core/time/instant.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace loom {

/// Which refused deliveries of a hook the log tells of: anybody may send them, as fast as they like. Any thread.
class Refusals {
public:
    /// Counts one. Tell of it, with how many came untold before; nothing: do not.
    std::optional<std::uint64_t> count(const std::string& hook, Instant now) {
        constexpr std::chrono::minutes each{1};
        const std::lock_guard lock(mutex_);
        auto& seen = hooks_[hook];
        if (seen.told && now - *seen.told < each && now >= *seen.told) {
            ++seen.untold;
            return std::nullopt;
        }
        seen.told = now;
        return std::exchange(seen.untold, 0);
    }

private:
    struct Seen {
        std::optional<Instant> told;
        std::uint64_t untold = 0;
    };
    std::mutex mutex_;
    std::map<std::string, Seen> hooks_; ///< those that are configured
};

} // namespace loom
