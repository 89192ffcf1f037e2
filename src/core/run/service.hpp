#pragma once
#include "core/async/asio.hpp"
#include "core/base/error.hpp"
#include "core/run/diff_views.hpp"
#include "core/run/messaging_views.hpp"
#include "core/run/output_views.hpp"
#include "core/run/token_views.hpp"

#include <memory>

namespace loom {

/// Who asks: recorded as the run's `by`. (A constructor, because GCC 12 miscompiles temporary aggregates in co_await.)
struct Caller {
    explicit Caller(std::string who) : by(std::move(who)) {}
    std::string by; ///< `user:anna`
    /// What a client says its request by, so that sent twice it starts one run; empty: nothing. With the digest of the request.
    std::string key, digest;
};

/// Live events of one run, first its present state. Bounded: a listener too slow gets type `gap` and reads the run.
class EventStream {
public:
    virtual ~EventStream() = default;
    /// The next event, or nothing once the run has ended (or the door has closed).
    virtual awaitable<std::optional<Event>> next() = 0;
    /// Ends the stream from the listener's side: a `next` that waits returns nothing, and so does every later one, but for
    /// events that had come before. Any thread.
    virtual void close() = 0;
};

/// Port: everything that can be asked of Loom. `Engine` answers in process, `HttpService` asks a daemon; commands and
/// HTTP handlers see only this. Any executor. Errors carry the exit code that the command ends with.
class Service {
public:
    virtual ~Service() = default;

    virtual awaitable<Result<RunView>> start_job(Caller caller, StartJob request) = 0;
    virtual awaitable<Result<RunView>> start_exec(Caller caller, StartExec request) = 0;
    /// Errc::not_found for a target that is no node any more, Errc::conflict while the run goes on or when none is left.
    virtual awaitable<Result<RunView>> retry(Caller caller, StartRetry request) = 0;
    virtual awaitable<Result<RunView>> cancel(Caller caller, RunRef request) = 0;

    virtual awaitable<Result<RunView>> run(RunQuery request) = 0;
    virtual awaitable<Result<RunPage>> runs(RunsQuery request) = 0;
    virtual awaitable<Result<NodeResultList>> results(RunRef request) = 0;
    virtual awaitable<Result<OutputGroupList>> gathered(RunRef request) = 0;
    virtual awaitable<Result<NodeOutputView>> output(NodeRef request) = 0;
    /// A part of what the node has printed, while it runs too; where to go on is the reader's to say.
    virtual awaitable<Result<NodeOutputPiece>> output_piece(NodeOutputQuery request) = 0;
    virtual awaitable<Result<std::unique_ptr<EventStream>>> watch(WatchRun request) = 0;

    /// Changes of state of all runs (see ChangeFeed).
    virtual awaitable<Result<std::unique_ptr<EventStream>>> events(EventsQuery request) = 0;

    virtual awaitable<Result<JobList>> jobs(JobsQuery request) = 0;
    virtual awaitable<Result<JobView>> job(JobName request) = 0;
    /// Schedules of the job, or of every job, start nothing from now on. One that is paused gets the new reason and end.
    virtual awaitable<Result<PauseView>> pause(Caller caller, PauseJob request) = 0;
    /// Errc::conflict where it is not paused. What the pause has kept from starting is not made up for.
    virtual awaitable<Result<PauseView>> resume(Caller caller, ResumeJob request) = 0;
    virtual awaitable<Result<NodeList>> nodes(NodesQuery request) = 0;
    virtual awaitable<Result<NodeSettingsView>> node_settings(NodeName request) = 0;
    /// Dials the node as far as its host key; records it where the request names its fingerprint.
    virtual awaitable<Result<HostKeyView>> trust(Caller caller, TrustNode request) = 0;
    /// What the three that start a run would do with the same request; nothing is started or recorded.
    virtual awaitable<Result<PlanView>> plan_job(StartJob request) = 0;
    virtual awaitable<Result<PlanView>> plan_exec(StartExec request) = 0;
    virtual awaitable<Result<PlanView>> plan_retry(StartRetry request) = 0;
    virtual awaitable<Result<DueList>> next(NextQuery request) = 0;
    /// Which instants of a job's schedule a backfill runs; `start_job` with `due` runs one.
    virtual awaitable<Result<BackfillList>> plan_backfill(BackfillQuery request) = 0;
    /// From what is recorded and configured alone.
    virtual awaitable<Result<WhyView>> why(WhyQuery request) = 0;

    virtual awaitable<Result<HookList>> hooks() = 0;
    /// What a delivery would do; it does nothing.
    virtual awaitable<Result<HookTestView>> test_hook(TestHook request) = 0;
    virtual awaitable<Result<NotifyRuleList>> notify_rules() = 0;
    virtual awaitable<Result<NotifyTestView>> test_notify(Caller caller, TestNotify request) = 0;

    virtual awaitable<Result<TokenList>> tokens() = 0;
    virtual awaitable<Result<NewTokenView>> create_token(Caller caller, CreateToken request) = 0;
    virtual awaitable<Result<TokenView>> revoke_token(Caller caller, TokenName request) = 0;

    virtual awaitable<Result<VersionView>> version() = 0;
    virtual awaitable<Result<CatalogView>> catalog() = 0;
    /// What the last reload has changed.
    virtual awaitable<Result<CatalogDiffView>> catalog_diff() = 0;
    virtual awaitable<Result<CatalogView>> reload(Caller caller) = 0;
    /// From now on nothing new begins, by schedule or by hand, until the same is asked with `undo`.
    virtual awaitable<Result<CatalogView>> drain(Caller caller, DrainRequest request) = 0;
};

} // namespace loom
