#pragma once
#include "app/worker/worker.hpp"
#include "core/async/stop.hpp"

namespace loom {

/// What a worker finds under a dotted name.
struct Found {
    std::string signature, summary;
};

/// Lets the worker import the task's module, in its sandbox. Errc::config with the worker's words where there is no such callable,
/// Errc::failed where the worker came to an end with it. On the worker's strand.
awaitable<Result<Found>> inspect_task(Worker& worker, std::int64_t id, std::string task);

} // namespace loom
