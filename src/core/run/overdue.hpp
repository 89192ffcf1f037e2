#pragma once
#include "core/run/runner.hpp"

namespace loom {

/// Waits until the run is overdue, or `ended`; tells it then: a note in its row, the event `run.overdue`, a line in the
/// log. Journal and bus outlive the call.
awaitable<void> watch_overdue(Journal& journal, EventBus& bus, RunName run, Expect expect, StopToken ended);

/// Waits until the run should have begun on a node, or `ended`; tells it in the same way where it has not, and at once of one
/// that came to be too late for that.
awaitable<void> watch_start(Journal& journal, EventBus& bus, const Clock& clock, RunName run, Expect expect, StopToken ended);

} // namespace loom
