#pragma once
#include "core/schedule/decide.hpp"

namespace loom {

/// Up to here a start counts as on time: a busy machine, a reload.
inline constexpr Milliseconds on_time = std::chrono::minutes(1);

/// One due instant, and what the rules look at.
struct Instance {
    const Job& job;
    const Facts& facts;
    Instant due, now;
    std::optional<Instant> newer; ///< the next nominal instant
    std::size_t newer_count = 0;  ///< how many have come since
    Instant start = due + splay_of(job, due);
};

/// The rules in their order: the schedule's bounds, blackouts, pauses, lateness; then it starts, unless the job's run
/// before has not ended. Pure.
Decision judge(const Instance& instance);

/// `paused since 2026-01-31T08:05:00Z by user:anna: the disk is full`
std::string paused_since(const Pause& pause);

/// The one row of a pause: `count` instants that fell into it, the newest of them `due`.
Decision passed_over(const Pause& pause, Instant due, const std::string& count);

/// The one row of the time in which the configuration did not have the job's schedule: `count` instants, the newest of them `due`.
Decision not_configured(Instant due, std::size_t count);

} // namespace loom
