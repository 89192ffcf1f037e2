#pragma once
#include "app/worker/worker.hpp"
#include "core/async/stop.hpp"
#include "core/model/plugin.hpp"

namespace loom {

/// What is known of a worker that came up.
struct WorkerFacts {
    pid_t pid = 0;       ///< of the worker itself, as the launcher told; 0: it is not known
    std::string speaks;  ///< its own words: `python 3.11.2`
    std::vector<std::string> layers, missing; ///< what holds it, and what does not
};

/// Tells a launcher what to start, and waits for the worker's hello. Errc::failed with the reason where none comes. On the worker's
/// strand.
awaitable<Result<WorkerFacts>> greet(Worker& worker, Plugin plugin, std::uint32_t place, StopToken stop);

} // namespace loom
