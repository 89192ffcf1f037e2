#pragma once
#include "core/async/scope.hpp"
#include "core/run/event_bus.hpp"
#include "core/run/journal.hpp"
#include "core/run/node_task.hpp"

#include <mutex>

namespace loom {

/// Everything that a run keeps from its catalog: frozen when it begins.
struct RunPlan {
    CatalogPtr catalog;            ///< keeps the nodes alive
    std::vector<Node> adhoc;       ///< nodes of an exec that are in no catalog
    std::vector<const Node*> nodes; ///< one for each target, in order
    TaskSpec task;
    Timeouts timeout;
    Retry retry;
    std::size_t parallel = 0;
    std::string log_file;
};

/// Fans one claimed run out over its nodes and records its end. Lives on the strand that `go` runs on.
class Runner {
public:
    Runner(const EngineParts& parts, Journal& journal, EventBus& bus, Slots& descriptors, Run run, RunPlan plan,
           StopToken stop);

    /// Returns when every node has its terminal row and the run its own.
    awaitable<void> go();

private:
    bool store_failed();
    awaitable<void> dial_all();
    awaitable<bool> dial_batch(std::vector<std::uint32_t> indices, std::vector<Slots::Hold> places);
    awaitable<void> run_node(std::uint32_t index, Slots::Hold place);
    awaitable<void> record_node(NodeResult result);
    awaitable<void> finish();
    void write_log(const NodeResult& result);

    const EngineParts& parts_;
    Journal& journal_;
    EventBus& bus_;
    Slots& descriptors_;
    Run run_;
    RunPlan plan_;
    StopToken stop_;
    Executor strand_;
    Slots parallel_;
    Scope nodes_;
    std::mutex mutex_;        ///< the nodes report from their own strands
    Counts counts_{};         ///< terminal nodes that were recorded
    std::string store_error_; ///< why the ledger could not be written: nothing more is dialled then
};

} // namespace loom
