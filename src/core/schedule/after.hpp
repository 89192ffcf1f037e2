#pragma once
#include "core/schedule/decide.hpp"

namespace loom {

/// The newest ended run of a job that another job is to follow and has not yet.
struct Upstream {
    std::string follower; ///< the job that is to follow
    std::string run, job;
    RunState state = RunState::ok;
    Instant finished{};
};

/// What becomes of a job with `after`.
struct AfterPlan {
    enum class Kind : std::uint8_t {
        nothing, ///< not all of them have a run to be followed
        fire,
        unmet,  ///< one ended in another way than the job wants
        paused,
        missed, ///< they ended too long ago: Loom was down
    };
    Kind kind = Kind::nothing;
    std::vector<std::string> upstream; ///< the runs that are followed, or not, hereby: in the order of `after`
    std::string why;

    friend bool operator==(const AfterPlan&, const AfterPlan&) = default;
};

/// `ended`: what this job has not followed yet. Pure.
AfterPlan decide_after(const Job& job, const std::vector<Upstream>& ended, Instant now, const Pauses& pauses = nullptr);

std::string_view to_string(After::When when);
/// `backup, checks (always)`
std::string after_text(const Job& job);

} // namespace loom
