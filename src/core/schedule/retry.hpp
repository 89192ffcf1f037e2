#pragma once
#include "core/model/job.hpp"
#include "core/model/outcome.hpp"

#include <optional>

namespace loom {

/// How long to wait before the next connect try, or nothing when there is none: `tries` were made, the last one
/// failed in a way that another may mend (`may_help`). Doubles from backoff_first up to backoff_most; `jitter` in
/// [0, 1) spreads it over the upper half, so that a fleet that was cut off does not return at once. Pure.
std::optional<Milliseconds> next_attempt(const Retry& retry, int tries, bool may_help, double jitter);

/// The same before a task is run on its node again, after `runs` runs of which the last one ended so. Only a task that
/// came to its own end and failed is repeated, by its exit status: what was lost may have run, and a deadline stays one.
std::optional<Milliseconds> next_task_run(const Retry& retry, int runs, const Outcome& last, double jitter);

/// How long a row waits that the ledger has refused `tries` times, a full disk say: 100 ms, doubling up to 10 s.
Milliseconds ledger_pause(int tries);

} // namespace loom
