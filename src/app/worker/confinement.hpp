#pragma once
#include "app/worker/surroundings.hpp"

namespace loom {

/// What holds a worker, for people, and what does not on this host.
struct Layers {
    std::vector<std::string> held, missing;
};

/// Who a worker is to be.
struct WorkerUser {
    unsigned uid = 0;
    bool own = false; ///< another one than the daemon
};

/// Of a daemon that is root: an id that nobody has, another one for each worker at once; any other is itself.
WorkerUser worker_user(const LaunchOrder& order);

/// What the sandbox cannot do without: Landlock and seccomp. Errc::failed says what this host lacks.
Result<void> check_sandbox();

/// Takes from this process all but what the order lets it have, for good; it is about to become the worker. Adds to the layers.
Result<void> confine(const LaunchOrder& order, const OwnPlace& own, const WorkerUser& user, bool namespaces, Layers& layers);

/// The bound that would keep this process itself from going on: at the very end.
void bound_memory(const LaunchOrder& order);

} // namespace loom
