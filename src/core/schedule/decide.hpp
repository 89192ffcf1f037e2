#pragma once
#include "core/model/job.hpp"
#include "core/model/pause.hpp"
#include "core/model/run.hpp"

#include <vector>

namespace loom {

/// What is known when a job comes due.
struct Facts {
    std::optional<Instant> last_due; ///< of the newest run that has a row
    Instant since{};                 ///< activation of the current schedule text
    std::uint32_t started = 0;       ///< runs that the schedule has started since then
    bool in_flight = false;          ///< a run of this job has not ended
    Pauses pauses;
};

/// What to do about one due instant: fire, skip and missed become rows.
struct Decision {
    enum class Kind : std::uint8_t { nothing, fire, skip, missed, hold };
    Kind kind = Kind::nothing;
    Instant due{};
    Reason reason = Reason::cron;
    std::string why;
    Instant until{}; ///< of `hold`: when to decide again

    friend bool operator==(const Decision&, const Decision&) = default;
};

/// A due instant that the agenda handed out at `now`. Late by more than `late` (one minute) it is a catch-up, decided
/// as at start. Pure.
Decision decide(const Job& job, Instant due, Instant now, const Facts& facts);

/// What was missed between the last known instant and `now` (at start, after the machine slept, when a pause is over),
/// oldest first: one decision for each instant, at most limits::missed_rows for one job; the oldest beyond that are
/// summed up in one row's `why`, and so are those of a pause. A `hold` comes last. Pure.
std::vector<Decision> catch_up(const Job& job, Instant now, const Facts& facts);

/// Whether the schedule has started as many runs as it may.
bool is_finished(const Job& job, const Facts& facts);

/// The pause that keeps the job from starting at `now`; null: none.
const Pause* paused(const Facts& facts, Instant now);
/// The pause that an instant falls into, one that is over too; null: none.
const Pause* pause_that_holds(const Facts& facts, Instant due);

/// The first instant after `after` that the schedule will start something for, as far as is known now: none of a pause or
/// of a blackout that skips, not the last that was decided, and of those that one blackout holds only the newest, which
/// counts as when it is due. Pure.
std::optional<Instant> upcoming(const Job& job, Instant after, const Facts& facts);

/// The instant that has come and that a blackout holds: it starts when that ends, unless it is paused by then. Nothing where a
/// later one will take its place. Of a job that was taken up: `facts` has `since`. Pure.
std::optional<Decision> held(const Job& job, Instant now, const Facts& facts);

/// What becomes of an instant to come, if nothing comes between; of those that a blackout will hold only the newest fires, or
/// is held. Pure.
Decision foresee(const Job& job, Instant due);

/// Whether `count` leaves room for an instant to come, as far as is known now: what comes before it counts too, up to
/// limits::instants_foreseen of them. Pure.
bool count_reaches(const Job& job, Instant due, Instant now, const Facts& facts);

/// How long after its nominal instant a splayed job starts: a stable hash of its name, below both `splay` and the time
/// to the next nominal instant.
Milliseconds splay_of(const Job& job, Instant due);

std::string_view to_string(CatchUp policy);

} // namespace loom
