#pragma once
#include "core/run/followers.hpp"
#include "core/run/returning.hpp"
#include "core/schedule/planner.hpp"

#include <atomic>

namespace loom {

/// The plan of a job's run from its catalog; `limit` may narrow the targets.
RunPlan plan_of(const Job& job, CatalogPtr catalog, const std::vector<std::string>& targets);
/// What a person asks for goes before what the job says: so many nodes at once, or `automatic`; neither changes nothing.
void set_parallel(FanOut& fan_out, std::size_t parallel, bool automatic);

/// Waits for what the planner says is due, and has it done: the only place where schedules meet the clock. While the ledger
/// cannot be written nothing is decided; then everything is decided anew, as after a start: what fell due meanwhile was
/// missed, and the rules of catching up say what becomes of it.
/// Lives on the strand that `run` runs on.
class Scheduler {
public:
    Scheduler(const EngineParts& parts, Journal& journal, Dispatcher& dispatcher, const Executor& strand);

    /// Fires due jobs of the catalog until `stop`.
    awaitable<void> run(CatalogPtr catalog, StopToken stop);
    /// A run of the job has ended that others follow, or that nodes are owed by. Any thread.
    void look_at_ended(const std::string& job);
    /// Nodes that are owed a run and refuse the login. Any thread.
    std::set<std::string> refusing() const { return returning_.refusing(); }
    /// From now on this catalog counts. Any thread.
    void activate(CatalogPtr catalog);
    /// The ledger's pauses have changed. Any thread.
    void look_at_pauses();
    /// While held, instants pass as if Loom were down: let go, catch-up decides about them. Any thread.
    void hold(bool held);

private:
    // False: the ledger could not be read or written, and what was decided is void.
    awaitable<bool> take_over(CatalogPtr catalog);
    awaitable<bool> read_pauses();
    awaitable<bool> record_seen(std::vector<Planner::Activation> activations);
    awaitable<bool> act(std::vector<Planned> planned);
    awaitable<bool> act(const Job& job, Decision decision);
    awaitable<bool> fire(const Job& job, Decision decision);
    awaitable<void> begin_anew(CatalogPtr catalog, StopToken stop);
    Planner fresh_planner();

    const EngineParts& parts_;
    Journal& journal_;
    Dispatcher& dispatcher_;
    bool begun_ = false; ///< a catalog was taken over: what is new from now on comes in the middle of a boot
    Planner planner_;    ///< looks at `begun_` when it is made
    Followers followers_;
    Bell bell_;
    Returning returning_;
    bool unread_ = false; ///< said already that the history cannot be read
    std::mutex mutex_;
    CatalogPtr waiting_;          ///< a catalog to take over; guarded by the mutex, as is the next
    bool pauses_changed_ = false; ///< since they were read
    std::atomic<bool> held_ = false;
};

} // namespace loom
