#pragma once
#include "core/time/instant.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// A time in which schedules start nothing, because a person said so.
struct Pause {
    std::string job; ///< empty: every job
    Instant since{};
    std::optional<Instant> until;   ///< it ends by itself
    std::optional<Instant> resumed; ///< somebody has ended it
    std::string reason, by;

    /// Whether it keeps a job from starting now. One that began counts also when the clock was set back since.
    bool in_force(Instant now) const { return !resumed && (!until || now < *until); }
    /// Whether an instant falls into it.
    bool holds(Instant at) const { return since <= at && (!until || at < *until) && (!resumed || at < *resumed); }

    friend bool operator==(const Pause&, const Pause&) = default;
};

/// Those of a job and of every job, by their beginning; null: none.
using Pauses = std::shared_ptr<const std::vector<Pause>>;

} // namespace loom
