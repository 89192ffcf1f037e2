#pragma once
#include "core/model/notify.hpp"
#include "core/model/outcome.hpp"
#include "core/model/run.hpp"

#include <vector>

namespace loom {

/// How a run of a job ended, as much as notifications look at.
struct EndedRun {
    RunState state = RunState::ok;
    Reason reason = Reason::manual;
    Instant at{};
};

/// What a rule has to tell.
struct Notice {
    NotifyEvent event = NotifyEvent::success;
    std::uint32_t failures = 0; ///< in a row: with this run, or of a recovery before it
    std::optional<Instant> since; ///< when the first of them ended

    friend bool operator==(const Notice&, const Notice&) = default;
};

/// Whether the rule speaks of this job.
bool concerns(const NotifyRule& rule, const std::string& job);

/// Whether what is known of the runs before, newest first, is all that `notice_of` looks at: it looks no further than a success.
bool reaches_success(const std::vector<EndedRun>& past);

/// What the rule says of a run's end; `past` are the ends of the job's runs before it, newest first. Runs that were skipped or cancelled, and
/// those of single nodes that catch up, say nothing, neither now nor as the past. Pure.
std::optional<Notice> notice_of(const NotifyRule& rule, const EndedRun& end, const std::vector<EndedRun>& past);
/// The same of a run of which something was found: that it is overdue.
std::optional<Notice> notice_of_overdue(const NotifyRule& rule);

/// When a notification that could not be told is tried again; nothing: it is given up. `attempts` counts this one. Pure.
std::optional<Instant> next_notify(std::uint32_t attempts, Instant created, Instant now);

} // namespace loom
