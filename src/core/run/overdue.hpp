#pragma once
#include "core/run/runner.hpp"

namespace loom {

/// Waits until the run is overdue, or `ended`; tells it then: a note in its row, the event `run.overdue`, a line in the
/// log. Journal and bus outlive the call.
awaitable<void> watch_overdue(Journal& journal, EventBus& bus, RunName run, Expect expect, StopToken ended);

} // namespace loom
