#pragma once
#include "core/model/pause.hpp"
#include "core/model/run.hpp"
#include "core/schedule/after.hpp"
#include "core/schedule/overlap.hpp"
#include "core/schedule/returning.hpp"

#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace loom {

/// These nodes are about to be dialled: written before their first packet.
struct NodesStarted {
    std::string run;
    std::vector<std::uint32_t> indices;
    Instant at{};
};
/// A node's one terminal row, with its outputs.
struct NodeFinished {
    std::string run;
    NodeResult result;
};
/// A run ends. Nodes without a terminal row end too: `interrupted` where they had started, else `not_started`.
struct RunFinished {
    std::string run;
    RunState state = RunState::ok;
    Instant at{};
    std::string message;
    std::vector<std::string> followers = {}; ///< jobs that are to follow this run: known together with its end, or not at all
};
/// Something was found of a run that goes on.
struct RunNoted {
    std::string run;
    std::string note;
};
/// A run comes to be, with its frozen targets: that row *is* `queued` for every one of them. A run whose state is
/// `waiting` is claimed and begins later; one that is already terminal (skipped, missed) records that something did not
/// run. What it follows has been followed by that (see RunStore::upstreams).
struct RunCreated {
    Run run;
    bool exclusive = false; ///< refused while another run of the job has not ended
    /// The run that this one takes the place of: it ends in the same commit, and where it has ended already this one is a
    /// duplicate. So whatever crashes, one run takes its place.
    std::optional<RunFinished> ends = {};
    std::vector<std::string> followers = {}; ///< of a run that is terminal already: as RunFinished
    /// The key of the request that starts it, and that request's digest; empty: none. A key that is known already makes it a
    /// duplicate. It is forgotten after limits::requests_kept.
    std::string request_key = {}, request_digest = {};
    /// What it was made by: known for limits::delivery_kept, together with the run or not at all. A duplicate where it is known.
    std::optional<Delivery> delivery = {};
};
/// A run that waited begins. Refused while another run of the job goes on, or one that was recorded earlier waits.
struct RunBegan {
    std::string run;
    Instant at{};
};
/// From this instant on the job has this schedule text: misses before it do not count.
struct ScheduleSeen {
    std::string job;
    std::string text;
    Instant at{};
};
/// Schedules of the pause's job start nothing from its `since` on. Where one is in force already, it keeps its beginning and
/// gets what else is said here.
struct JobPaused {
    Pause pause;
};
/// The job's pause that is in force ends; a duplicate where none is.
struct JobResumed {
    std::string job; ///< empty: the one of every job
    Instant at{};
};
using Record = std::variant<RunCreated, RunBegan, NodesStarted, NodeFinished, RunFinished, RunNoted, ScheduleSeen, JobPaused, JobResumed>;

/// What became of a record. Only RunCreated and RunBegan can be refused, and a terminal row that stands already is a duplicate.
enum class Verdict { recorded, duplicate, overlaps };

struct RunFilter {
    std::string job;                ///< empty: all
    std::optional<RunState> state;
    std::string before;             ///< only runs with a smaller id (older); empty: from the newest
    std::size_t limit = 20;
};

/// What the next decision about a job needs to know.
struct JobFacts {
    std::string schedule_text;
    Instant since{}; ///< when that text became active
    std::optional<Instant> last_due; ///< the newest instant that a run has claimed
    std::uint32_t started = 0; ///< runs for cron and catch-up that were created since then, whatever has been pruned
    std::string last_run; ///< id of the newest run that was started, but for those of single nodes that catch up
    std::optional<RunState> last_state;
    std::optional<Instant> last_started;
};

/// A run that stands for a nominal instant.
struct DueRun {
    Instant due{};
    std::string run;
    RunState state = RunState::running;
    Reason reason = Reason::manual;
};

/// A request that has started a run.
struct KnownRequest {
    std::string digest, run;
};

/// Nodes of a run that ended alike: same state, cause, exit status, message and outputs.
struct OutputGroup {
    std::vector<std::string> nodes;
    Outcome outcome;
};

/// Port: the ledger. Called from one thread at a time; calls block on the disk, so the journal makes them on the
/// store's own thread. Errors are Errc::unavailable (I/O): then nothing of the batch was committed.
class RunStore {
public:
    virtual ~RunStore() = default;

    /// Commits the batch in one transaction, outputs synced before the rows that name them. Creating a running run
    /// also takes the lock that tells other processes it is alive; finishing it lets go.
    virtual Result<std::vector<Verdict>> commit(std::span<const Record> batch) = 0;

    /// The run whose id begins with `id` (at least 4 characters), without its targets and spec; Errc::not_found, or
    /// Errc::conflict if several do.
    virtual Result<Run> run(const std::string& id) = 0;
    /// What a retry of the run repeats; empty in rows of older versions. `id` in full.
    virtual Result<std::string> spec(const std::string& id) = 0;
    /// Newest first, without their targets and specs.
    virtual Result<std::vector<Run>> runs(const RunFilter& filter) = 0;
    /// One per target, in target order, without outputs. `id` in full.
    virtual Result<std::vector<NodeResult>> results(const std::string& id) = 0;
    /// The node's result with its outputs. Errc::not_found when the run has no such target.
    virtual Result<NodeResult> result(const std::string& id, const std::string& node) = 0;
    /// Terminal nodes grouped by equal results, failures first, then larger groups first. An output that exceeds
    /// limits::gathered_bytes of all together is left out, and counts as dropped.
    virtual Result<std::vector<OutputGroup>> gathered(const std::string& id) = 0;
    virtual Result<std::map<std::string, JobFacts>> facts() = 0;
    /// By their beginning; of those of a job that are over only the newest, limits::pauses_kept at least.
    virtual Result<std::vector<Pause>> pauses() = 0;
    /// Runs of the job that have not ended, in the order in which they were recorded.
    virtual Result<std::vector<InFlight>> in_flight(const std::string& job) = 0;
    /// What waits to be followed, in the order of the followers' names.
    virtual Result<std::vector<Upstream>> upstreams() = 0;
    /// The job's runs with an instant in [from, to), oldest instant first; of one instant in the order of their ids.
    virtual Result<std::vector<DueRun>> due_runs(const std::string& job, Instant from, Instant to) = 0;
    /// Of the newest run that the job's schedule has started for an instant at or after `since`: the nodes that it could not
    /// reach, for another cause than auth and host_key, which no run of the job has reached since, and none has claimed for that
    /// instant. None while that run goes on.
    virtual Result<LeftOut> left_out(const std::string& job, Instant since) = 0;
    /// How long the job's last runs took that were ok, newest first, at most so many.
    virtual Result<std::vector<Milliseconds>> durations(const std::string& job, std::size_t most) = 0;
    /// What a request with this key has started; nothing: it is not known, or not any more.
    virtual Result<std::optional<KnownRequest>> requested(const std::string& key) = 0;
    /// The run that this delivery made, if it came within limits::delivery_kept before `now`. The run itself may have been pruned.
    virtual Result<std::optional<std::string>> delivered(const Delivery& delivery, Instant now) = 0;
    /// Runs that have not ended and that no live process holds: what a crash left behind.
    virtual Result<std::vector<std::string>> orphans() = 0;
};

} // namespace loom
