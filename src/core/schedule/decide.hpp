#pragma once
#include "core/model/job.hpp"
#include "core/model/run.hpp"

#include <vector>

namespace loom {

/// What is known when a job comes due.
struct Facts {
    bool in_flight = false;          ///< a run of this job has not ended
    std::optional<Instant> last_due; ///< of the newest run that has a row
    Instant since{};                 ///< activation of the current schedule text
};

/// What to do about one due instant: every verdict but `nothing` becomes a row.
struct Decision {
    enum class Kind : std::uint8_t { nothing, fire, skip, missed };
    Kind kind = Kind::nothing;
    Instant due{};
    Reason reason = Reason::cron;
    std::string why;

    friend bool operator==(const Decision&, const Decision&) = default;
};

/// A due instant that the agenda handed out at `now`. Late by more than `late` (one minute) it is a catch-up, decided
/// as at start. Pure.
Decision decide(const Job& job, Instant due, Instant now, const Facts& facts);

/// What was missed between the last known instant and `now` (at start, or after the machine slept): by policy `last`,
/// the newest one fires when it lies within one period and the window (at most 1 h), the others are missed, each its
/// own row, at most limits for one job; the oldest beyond that are summed up in one row's `why`. Pure.
std::vector<Decision> catch_up(const Job& job, Instant now, const Facts& facts);

/// How long after its nominal instant a splayed job starts: a stable hash of its name, below both `splay` and the time
/// to the next nominal instant.
Milliseconds splay_of(const Job& job, Instant due);

} // namespace loom
