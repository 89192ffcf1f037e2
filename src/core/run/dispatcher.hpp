#pragma once
#include "core/run/runner.hpp"

#include <map>
#include <set>

namespace loom {

/// One intention to run something: what a schedule, a person or a webhook turns into.
struct Firing {
    std::string job; ///< empty for exec
    std::optional<Instant> due;
    std::optional<std::string> claim;
    Reason reason = Reason::manual;
    std::string by;
    std::string request_key, request_digest; ///< as in RunCreated
    std::string label; ///< what ran, for people
    std::string of;    ///< the run that this one is a retry or a rerun of
    std::optional<RunFinished> ends; ///< as in RunCreated
    std::vector<std::string> upstream; ///< the runs that this one follows
    std::optional<Delivery> delivery;  ///< what it is made by
    std::string trace;
    Overlap overlap = Overlap::allow; ///< with other runs of the job
    bool waits = false; ///< claimed now, it begins in its turn
    OnEmpty on_empty = OnEmpty::fail;
    RunPlan plan;
};

/// Claims runs and keeps those in flight. Any executor; shared state is behind a mutex that no await holds.
class Dispatcher {
public:
    Dispatcher(const EngineParts& parts, Journal& journal, EventBus& bus);

    /// Claims the run and returns its id; it starts now or, as its overlap says, when the runs before it have ended.
    /// Errc::conflict when what it claims is taken, or where it is not to overlap.
    awaitable<Result<std::string>> fire(Firing firing);

    /// Records that something did not run: state skipped or missed. False: the ledger could not be written.
    awaitable<bool> record_not_run(std::string job, Instant due, RunState state, std::string why, std::string catalog);
    /// The same of a row that says all but its id, its times and (where it is the schedule's) whose it is. `followers`, `delivery`: see RunCreated.
    awaitable<bool> record_not_run(Run row, std::vector<std::string> followers, std::optional<Delivery> delivery = std::nullopt);
    /// Called with the job of each run that has ended and that something waits for: jobs that follow it, or nodes that it did
    /// not reach. Set before the first run; any thread.
    std::function<void(const std::string&)> when_ended;

    /// Goes as far as a login and hangs up: nothing where that succeeds. Holds one of the process's sockets. On a strand.
    awaitable<std::optional<Cause>> look_for(Node node, Timeouts timeout, StopToken stop);
    /// Nodes that runs are to tell of.
    Awaited& awaited() { return shared_.awaited; }
    RunMeasures& measures() { return shared_.measures; }
    const LiveOutputs& live_outputs() const { return shared_.live; }
    /// Adds what stands right now.
    void measure(EngineMeasures& into) const;

    /// Whether a run of the job is in flight in this process.
    bool in_flight(const std::string& job) const;
    /// Whether this run is in flight in this process.
    bool has(const std::string& id) const;
    /// Asks the run to stop, one that waits too; false when it is not in flight here.
    bool stop(const std::string& id, StopReason reason, std::string words = {});
    /// Asks all to stop, and lets no other begin.
    void stop_all(StopReason reason);
    /// While held, runs that wait do not begin. Any thread.
    void hold(bool held) { held_ = held; }
    /// Ends what waits, and returns once nothing is in flight; ends that too after so long, or upon `hurry`. On a strand.
    awaitable<void> settle(Milliseconds most, StopToken hurry);
    /// Returns once nothing is in flight.
    awaitable<void> join();

private:
    struct Live {
        std::string job;
        StopToken stop;
        bool waits = false; ///< for its turn
    };
    void set_waits(const std::string& id, bool waits);
    awaitable<Result<RunState>> claim(RunCreated created, Overlap overlap, Overlap node_overlap);
    awaitable<Result<std::vector<InFlight>>> others_in_flight(std::string job);
    awaitable<void> make_room(OverlapPlan plan, Overlap overlap, RunName by);
    awaitable<Turn> wait_turn(RunName run, StopToken stop);
    awaitable<Turn> take_turn(RunName run);
    awaitable<void> run(RunName run, RunPlan plan, StopToken stop, bool waits);
    void forget(const std::string& id);

    const EngineParts& parts_;
    Journal& journal_;
    EventBus& bus_;
    SharedLimits shared_;
    Turns turns_;
    Scope runs_;
    mutable std::mutex mutex_;
    std::map<std::string, Live> live_;
    std::multiset<std::string> jobs_; ///< of the live runs
    bool closed_ = false;
    bool settling_ = false; ///< what waits ends
    std::atomic<bool> held_{false};
};

} // namespace loom
