#pragma once
#include "core/async/slots.hpp"
#include "core/run/engine.hpp"

namespace loom {

/// What one node of one run needs; the pointers outlive it.
struct NodeWork {
    const EngineParts* parts = nullptr;
    Slots* parallel = nullptr;    ///< the run's own places
    Slots* descriptors = nullptr; ///< the process's sockets
    Node node;
    TaskSpec task; ///< placeholders not yet expanded
    std::string run_id, run_due, job_name;
    Timeouts timeout;
    Retry retry;
    StopToken stop;
};

struct NodeDone {
    Outcome outcome;
    int attempts = 0;
};

/// Reaches the node, by the retry policy, and runs the task on it. Runs on the node's own strand. `place` is the place
/// among the run's parallel nodes: given back while the node is silent in connect or between two tries, and when done.
awaitable<NodeDone> run_node_task(NodeWork work, Slots::Hold place);

} // namespace loom
