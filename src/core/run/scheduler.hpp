#pragma once
#include "core/run/dispatcher.hpp"
#include "core/schedule/planner.hpp"

namespace loom {

/// The plan of a job's run from its catalog; `limit` may narrow the targets.
RunPlan plan_of(const Job& job, CatalogPtr catalog, const std::vector<std::string>& targets);
/// What a person asks for goes before what the job says: so many nodes at once, or `automatic`; neither changes nothing.
void set_parallel(FanOut& fan_out, std::size_t parallel, bool automatic);

/// Waits for what the planner says is due, and has it done: the only place where schedules meet the clock.
/// Lives on the strand that `run` runs on.
class Scheduler {
public:
    Scheduler(const EngineParts& parts, Journal& journal, Dispatcher& dispatcher, const Executor& strand);

    /// Fires due jobs of the catalog until `stop`.
    awaitable<void> run(CatalogPtr catalog, StopToken stop);
    /// From now on this catalog counts. Any thread.
    void activate(CatalogPtr catalog);

private:
    awaitable<void> take_over(CatalogPtr catalog);
    awaitable<void> record_seen(std::vector<Planner::Activation> activations);
    awaitable<void> act(std::vector<Planned> planned);
    awaitable<void> fire(const Job& job, Decision decision);

    const EngineParts& parts_;
    Journal& journal_;
    Dispatcher& dispatcher_;
    Planner planner_;
    Bell bell_;
    std::mutex mutex_;
    CatalogPtr waiting_; ///< a catalog to take over; guarded by the mutex
};

} // namespace loom
