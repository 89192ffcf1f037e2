#pragma once
#include "core/async/scope.hpp"
#include "core/base/log.hpp"
#include "core/run/awaited.hpp"
#include "core/run/event_bus.hpp"
#include "core/run/journal.hpp"
#include "core/run/live_output.hpp"
#include "core/run/node_task.hpp"
#include "core/run/turns.hpp"
#include "core/schedule/pace.hpp"

#include <mutex>

namespace loom {

/// Everything that a run keeps from its catalog: frozen when it begins.
struct RunPlan {
    CatalogPtr catalog;            ///< keeps the nodes alive
    std::vector<Node> adhoc;       ///< nodes of an exec that are in no catalog
    std::vector<const Node*> nodes; ///< one for each target, in order
    TaskSpec task;
    std::string checked_job;       ///< the job that a check looks at: a check is no run of it, so the run itself names none
    boost::json::object params;    ///< what a webhook gave the task
    Timeouts timeout;
    Retry retry;
    FanOut fan_out;
    LogFile log_file;
    Expect expect;
    Overlap node_overlap = Overlap::allow; ///< with other runs of the job, on each node
    bool made_up = false; ///< its end is waited for: by nodes that it did not reach, or by the next one that gets a run of its own
};

/// What a runner needs to know of its run's row.
struct RunName {
    std::string id, job; ///< no job: exec
    std::optional<Instant> due;
};

/// What all runs of the process share. Any thread.
struct SharedLimits {
    explicit SharedLimits(std::size_t sockets) : descriptors(sockets) {}
    Slots descriptors;
    std::mutex mutex;
    Pace starts; ///< loom.yaml's starts_per_second; guarded by the mutex
    Awaited awaited;
    RunMeasures measures;
    LiveOutputs live;
};

/// Fans one claimed run out over its nodes and records its end: wave after wave, each in its order, as the pure
/// functions of core/schedule/fan_out.hpp say. Lives on the strand that `go` runs on.
///
/// While the ledger cannot be written the run stands still: what is to be recorded waits, places stay taken, nothing is
/// dialled, and nothing is lost when the disk has room again.
class Runner {
public:
    Runner(const EngineParts& parts, Journal& journal, EventBus& bus, SharedLimits& shared, Turns& turns, RunName run,
           RunPlan plan, StopToken stop);

    /// Returns when every node has its terminal row and the run its own.
    awaitable<void> go();

private:
    bool halted();
    void begin_wave(std::size_t number, std::size_t waves, std::size_t nodes);
    awaitable<void> dial_waves();
    awaitable<void> dial_until_one_is_reached();
    awaitable<void> skip(std::size_t position, std::size_t end, std::vector<std::string> why);
    awaitable<void> dial_in_turn(std::size_t position, std::size_t end);
    /// Where those end that begin and those that are skipped, and why these are.
    struct TurnOrder {
        std::size_t begin_end = 0, skip_end = 0;
        std::vector<std::string> why;
    };
    TurnOrder sort_by_turn(std::size_t position, std::size_t end, const NodeHolders& holders);
    awaitable<void> dial(std::size_t position, std::size_t end);
    awaitable<std::size_t> may_start(std::size_t wanted);
    awaitable<std::vector<Seat>> take_seats(std::size_t most);
    awaitable<bool> dial_batch(std::vector<std::uint32_t> indices, std::vector<Seat> seats);
    awaitable<void> adapt(Bell dialled);
    awaitable<void> run_node(std::uint32_t index, Seat seat);
    boost::json::object counts_now();
    void judge(const NodeResult& result);
    awaitable<void> record_node(NodeResult result);
    awaitable<bool> record(std::function<Record()> make);
    awaitable<void> finish();
    PlaceholderScope scope(std::uint32_t index) const;
    void write_log(const NodeResult& result);
    LogFields about(std::string_view node = {}) const { return {run_.id, run_.job, node}; }

    const EngineParts& parts_;
    Journal& journal_;
    EventBus& bus_;
    SharedLimits& shared_;
    Turns& turns_;
    const RunName run_;
    const std::string due_; ///< for people
    const Instant began_;
    RunPlan plan_;
    StopToken outer_; ///< the cancel and the shutdown
    StopToken stop_;  ///< those, and the run's own deadline
    Executor strand_;
    std::vector<std::uint32_t> order_; ///< the targets' places, as they are dialled
    Slots parallel_;
    Pace pace_;
    Strain strain_;
    std::atomic<bool> ran_{false}; ///< the task, on any node
    std::atomic<bool> stalled_{false}; ///< the ledger has refused a record, and has taken none since
    Scope nodes_;
    std::mutex mutex_; ///< the nodes report from their own strands
    Counts counts_{};  ///< terminal nodes that were recorded, of the run and of its present wave
    Counts wave_{};
    std::size_t started_ = 0; ///< nodes whose start was recorded
    std::size_t wave_number_ = 1, waves_ = 1, wave_nodes_ = 0;
    std::optional<std::string> halted_; ///< why stop_when lets no further node be dialled
};

} // namespace loom
