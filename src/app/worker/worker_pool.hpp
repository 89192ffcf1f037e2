#pragma once
#include "app/worker/greeting.hpp"
#include "app/worker/inspection.hpp"
#include "core/async/strands.hpp"
#include "core/task/task.hpp"

namespace loom {

struct WorkerPoolOptions {
    Strands strands;
    Executor blocking; ///< whose threads last as long as the process: workers end with the one that started them
    std::string state_dir;
    std::size_t min_workers = 0, max_workers = 10;
    std::string program = "/proc/self/exe"; ///< what is run as the launcher (app/worker/launcher.hpp)
};

/// Workers for the tasks of plugins: at most so many processes at once, none before there is work, each for one call at a time.
/// Calls beyond that wait in line. A worker serves the plugin it was started for as long as the plugin is what it was, its code
/// included; it goes after some calls, when it has grown, when it has had nothing to do for a while, and when it has broken
/// anything. Any strand.
class WorkerPool : public PluginHost {
public:
    /// Looks a task up by a worker, which imports its module.
    virtual awaitable<Result<Found>> inspect(Plugin plugin, std::string task) = 0;
    /// Starts a worker, or asks one that is there, what holds it.
    virtual awaitable<Result<WorkerFacts>> look(Plugin plugin) = 0;
};

std::unique_ptr<WorkerPool> create_worker_pool(WorkerPoolOptions options);

} // namespace loom
