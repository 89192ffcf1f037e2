#pragma once
#include "core/run/engine.hpp"

namespace loom {

/// Keeps the ledger in `state_dir`, which is this engine's, within the limits that its catalog sets: now, and then once an hour, until `stop`.
/// `blocking`: a pool for what blocks on the disk.
awaitable<void> keep_within_limits(Executor blocking, std::string state_dir, Engine& engine, StopToken stop);

} // namespace loom
