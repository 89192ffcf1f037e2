#pragma once
#include "core/async/slots.hpp"
#include "core/run/engine.hpp"
#include "core/run/live_output.hpp"
#include "core/run/measures.hpp"
#include "core/task/placeholders.hpp"

#include <atomic>

namespace loom {

/// Signs of whether a run dials too many nodes at once (core/schedule/width.hpp), counted as they happen. Any thread.
struct Strain {
    std::atomic<std::size_t> arrived{0}, strained{0};
};

/// What one node of one run needs; the pointers outlive it.
struct NodeWork {
    const EngineParts* parts = nullptr;
    Slots* parallel = nullptr;    ///< the run's own places
    Slots* descriptors = nullptr; ///< the process's sockets
    Strain* strain = nullptr;
    RunMeasures* measures = nullptr;
    NodeTap* tap = nullptr; ///< null: nobody follows
    PlaceholderScope scope;         ///< of this node
    const std::vector<const Node*>* targets = nullptr; ///< of the run
    const Plugins* plugins = nullptr;                  ///< of its catalog
    const TaskSpec* task = nullptr; ///< placeholders not yet expanded
    Timeouts timeout;
    Retry retry;
    StopToken stop;
};

/// What a node works with, in the order in which it is taken: who holds a place never waits for a socket, since a node that
/// keeps its socket may wait for a place.
struct Seat {
    Slots::Hold socket; ///< among the process's
    Slots::Hold place;  ///< among the run's parallel nodes; given back while the node is silent in connect and between two tries
};

/// Why a run or a node was ended from outside, for people.
std::string stop_message(const StopToken& stop);

struct NodeDone {
    Outcome outcome;
    int attempts = 0; ///< connections tried, or runs of a task that needs none
    bool ran = false; ///< the task, once at least
    std::string tried; ///< Connected::tried of the last attempt
};

/// Reaches the node, by the retry policy, and runs the task on it. Runs on the node's own strand. The seat is the caller's,
/// who ends its hold of the place when the result counts.
awaitable<NodeDone> run_node_task(NodeWork work, Seat& seat);

} // namespace loom
