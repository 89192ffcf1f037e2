#include "core/run/engine.hpp"

#include "core/async/offload.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/run/backfill.hpp"
#include "core/run/catalog_in_force.hpp"
#include "core/run/change_feed.hpp"
#include "core/run/due.hpp"
#include "core/run/firings.hpp"
#include "core/run/gate.hpp"
#include "core/run/history.hpp"
#include "core/run/hook_run.hpp"
#include "core/run/one_node.hpp"
#include "core/run/pausing.hpp"
#include "core/run/queries.hpp"
#include "core/run/reconcile.hpp"
#include "core/run/retry.hpp"
#include "core/run/scheduler.hpp"
#include "core/run/to_views.hpp"
#include "core/run/tokens.hpp"
#include "core/run/watching.hpp"
#include "core/run/why.hpp"

#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

class EngineImpl final : public Engine {
public:
    EngineImpl(EngineParts parts, CatalogPtr catalog)
        : parts_(std::move(parts)), journal_(*parts_.store, parts_.store_executor), dispatcher_(parts_, journal_, bus_),
          feed_(std::make_shared<ChangeFeed>(parts_.changes, parts_.store_executor)), tokens_(parts_.tokens), control_(parts_.strands.of("control")), scheduler_(parts_, journal_, dispatcher_, control_),
          in_force_(parts_, std::move(catalog)) {
        on_change([] {});
        dispatcher_.when_ended = [this](const std::string& job) { scheduler_.look_at_ended(job); };
    }

    awaitable<Result<RunView>> start_job(Caller caller, StartJob request) override {
        if (const auto due = parse_instant(request.due); due && *due > parts_.clock->now())
            co_return usage_error("due: " + request.due + " lies in the future; it is an instant that has passed, which a run makes up for");
        auto firing = co_await job_firing(journal_, current_catalog(), std::move(request));
        co_return co_await fire(std::move(caller), std::move(firing));
    }
    awaitable<Result<RunView>> start_exec(Caller caller, StartExec request) override {
        auto firing = co_await exec_firing(journal_, current_catalog(), *parts_.tasks, std::move(request));
        co_return co_await fire(std::move(caller), std::move(firing));
    }
    awaitable<Result<RunView>> retry(Caller caller, StartRetry request) override {
        auto firing = co_await retry_firing(journal_, current_catalog(), std::move(request));
        co_return co_await fire(std::move(caller), std::move(firing));
    }
    awaitable<Result<RunView>> cancel(Caller caller, RunRef request) override;
    awaitable<Result<RunView>> run(RunQuery request) override {
        co_return co_await look_at_run(journal_, bus_, dispatcher_, std::move(request));
    }
    awaitable<Result<RunPage>> runs(RunsQuery request) override { co_return co_await list_runs(journal_, std::move(request)); }
    awaitable<Result<NodeResultList>> results(RunRef request) override { co_return co_await list_results(journal_, std::move(request)); }
    awaitable<Result<OutputGroupList>> gathered(RunRef request) override { co_return co_await list_groups(journal_, std::move(request)); }
    awaitable<Result<NodeOutputView>> output(NodeRef request) override { co_return co_await find_output(journal_, std::move(request)); }
    awaitable<Result<NodeOutputPiece>> output_piece(NodeOutputQuery request) override {
        co_return co_await look_at_output(journal_, bus_, dispatcher_, std::move(request));
    }
    awaitable<Result<std::unique_ptr<EventStream>>> watch(WatchRun request) override {
        co_return co_await watch_run(journal_, bus_, dispatcher_, std::move(request));
    }
    awaitable<Result<std::unique_ptr<EventStream>>> events(EventsQuery request) override;
    awaitable<Result<JobList>> jobs(JobsQuery request) override;
    awaitable<Result<JobView>> job(JobName request) override;
    awaitable<Result<HookList>> hooks() override {
        if (!parts_.messaging) co_return HookList();
        co_return parts_.messaging->hooks(*current_catalog());
    }
    awaitable<Result<HookTestView>> test_hook(TestHook request) override {
        if (!parts_.messaging) co_return not_found("there are no hooks");
        co_return parts_.messaging->test_hook(*current_catalog(), std::move(request));
    }
    awaitable<Result<NotifyRuleList>> notify_rules() override {
        if (!parts_.messaging) co_return NotifyRuleList();
        co_return co_await parts_.messaging->notify_rules(current_catalog());
    }
    awaitable<Result<NotifyTestView>> test_notify(Caller caller, TestNotify request) override;
    awaitable<Result<TokenList>> tokens() override;
    awaitable<Result<NewTokenView>> create_token(Caller caller, CreateToken request) override;
    awaitable<Result<TokenView>> revoke_token(Caller caller, TokenName request) override;
    awaitable<Result<VersionView>> version() override { co_return VersionView{LOOM_VERSION}; }
    awaitable<Result<Principal>> find_token(std::string token) override;
    std::optional<std::string> unready() const override;
    awaitable<Result<NodeList>> nodes(NodesQuery request) override;
    awaitable<Result<PlanView>> plan_job(StartJob request) override;
    awaitable<Result<PlanView>> plan_exec(StartExec request) override;
    awaitable<Result<PlanView>> plan_retry(StartRetry request) override;
    awaitable<Result<NodeSettingsView>> node_settings(NodeName request) override {
        co_return co_await describe_node(parts_, current_catalog(), std::move(request));
    }
    awaitable<Result<HostKeyView>> trust(Caller caller, TrustNode request) override {
        co_return co_await trust_node(parts_, current_catalog(), std::move(caller), std::move(request));
    }
    awaitable<Result<BackfillList>> plan_backfill(BackfillQuery request) override {
        co_return co_await loom::plan_backfill(journal_, current_catalog(), std::move(request), parts_.clock->now());
    }
    awaitable<Result<PauseView>> pause(Caller caller, PauseJob request) override;
    awaitable<Result<PauseView>> resume(Caller caller, ResumeJob request) override;
    awaitable<Result<DueList>> next(NextQuery request) override;
    awaitable<Result<WhyView>> why(WhyQuery request) override {
        WhyAnswerer by{.serving = parts_.read_catalog != nullptr, .refusing = scheduler_.refusing()};
        co_return co_await ask_why(journal_, current_catalog(), std::move(request), parts_.clock->now(), std::move(by));
    }
    awaitable<Result<CatalogView>> catalog() override { co_return catalog_view(); }
    awaitable<Result<CatalogDiffView>> catalog_diff() override { co_return in_force_.diff(); }
    awaitable<Result<CatalogView>> reload(Caller caller) override;
    awaitable<Result<CatalogView>> drain(Caller caller, DrainRequest request) override;

    awaitable<Result<std::size_t>> reconcile() override;
    awaitable<Result<HookStarted>> start_hook(HookStart start) override {
        co_return co_await start_by_hook(journal_, dispatcher_, gate_, current_catalog(), std::move(start), parts_.clock->now());
    }
    awaitable<void> serve(StopToken stop) override;
    awaitable<void> settle(Milliseconds most, StopToken hurry) override {
        gate_.close();
        co_await dispatcher_.settle(most, std::move(hurry));
    }
    awaitable<void> end(StopReason reason) override;
    EngineMeasures measures() const override;
    void when_reloaded(std::function<std::vector<Problem>()> read) override { in_force_.when_reloaded(std::move(read)); }
    void on_change(std::function<void()> changed) override {
        journal_.when_changed([feed = feed_, changed = std::move(changed)] {
            feed->ring();
            changed();
        });
    }
    CatalogPtr current_catalog() const override { return in_force_.current(); }

private:
    awaitable<Result<RunView>> fire(Caller caller, Result<Firing> firing);
    CatalogView catalog_view() const;

    EngineParts parts_;
    EventBus bus_;
    Journal journal_;
    Dispatcher dispatcher_;
    Gate gate_;
    std::shared_ptr<ChangeFeed> feed_;
    TokenBook tokens_;
    Executor control_;
    Scheduler scheduler_;
    CatalogInForce in_force_;
};

awaitable<Result<RunView>> EngineImpl::fire(Caller caller, Result<Firing> firing) {
    auto before = co_await requested_before(journal_, caller.key, caller.digest);
    if (!before) co_return before.error();
    if (*before) co_return std::move(**before);
    if (!firing) co_return firing.error();
    if (const auto refused = gate_.refusal()) co_return *refused;
    firing->by = std::move(caller.by);
    firing->request_key = caller.key;
    firing->request_digest = caller.digest;
    const auto id = co_await dispatcher_.fire(std::move(*firing));
    if (!id) {
        // The same request may have come twice at once.
        before = co_await requested_before(journal_, caller.key, caller.digest);
        if (before && *before) co_return std::move(**before);
        co_return id.error();
    }
    // As the ledger has it: with its counts.
    auto stored = co_await find_run(journal_, *id);
    if (!stored) co_return stored.error();
    failpoint("claim.told");
    co_return to_view(*stored);
}

awaitable<Result<PlanView>> EngineImpl::plan_job(StartJob request) {
    const auto firing = co_await job_firing(journal_, current_catalog(), std::move(request));
    if (!firing) co_return firing.error();
    co_return plan_view(*firing);
}

awaitable<Result<PlanView>> EngineImpl::plan_exec(StartExec request) {
    const auto firing = co_await exec_firing(journal_, current_catalog(), *parts_.tasks, std::move(request));
    if (!firing) co_return firing.error();
    co_return plan_view(*firing);
}

awaitable<Result<PlanView>> EngineImpl::plan_retry(StartRetry request) {
    const auto firing = co_await retry_firing(journal_, current_catalog(), std::move(request));
    if (!firing) co_return firing.error();
    co_return plan_view(*firing);
}

awaitable<Result<RunView>> EngineImpl::cancel(Caller caller, RunRef request) {
    auto found = co_await find_run(journal_, std::move(request.id));
    if (!found) co_return found.error();
    if (terminal(found->state))
        co_return Error{Errc::conflict, fmt::format("run {} has ended already: {}", found->id, to_string(found->state))};
    if (!dispatcher_.stop(found->id, StopReason::cancelled))
        co_return Error{Errc::conflict, fmt::format("run {} is in flight in another process; end it there", found->id)};
    failpoint("cancel.asked");
    logs::run.info({found->id, found->job}, "cancelled by {}", caller.by);
    co_return to_view(*found);
}

awaitable<Result<NodeList>> EngineImpl::nodes(NodesQuery request) {
    const auto failed = co_await failed_lookup(journal_, request.targets);
    if (!failed) co_return failed.error();
    co_return list_nodes(*current_catalog(), request, *failed);
}

awaitable<Result<JobList>> EngineImpl::jobs(JobsQuery request) {
    const auto known = co_await jobs_known(journal_);
    if (!known) co_return known.error();
    co_return list_jobs(*current_catalog(), request, *known, parts_.clock->now());
}

awaitable<Result<DueList>> EngineImpl::next(NextQuery request) {
    const auto known = co_await jobs_known(journal_);
    if (!known) co_return known.error();
    co_return list_due(*current_catalog(), request, *known, parts_.clock->now());
}

awaitable<Result<JobView>> EngineImpl::job(JobName request) {
    JobsQuery query;
    query.name = std::move(request.name);
    auto found = co_await jobs(std::move(query));
    if (!found) co_return found.error();
    co_return std::move(found->items.front());
}

awaitable<Result<std::unique_ptr<EventStream>>> EngineImpl::events(EventsQuery request) {
    std::optional<std::uint64_t> after;
    if (!request.after.empty()) {
        std::uint64_t number = 0;
        const auto* end = request.after.data() + request.after.size();
        const auto [at, fault] = std::from_chars(request.after.data(), end, number);
        if (fault != std::errc() || at != end) co_return usage_error("after: expected the id of an event");
        after = number;
    }
    auto executor = co_await asio::this_coro::executor;
    co_return co_await feed_->subscribe(after, std::move(executor));
}

awaitable<Result<NotifyTestView>> EngineImpl::test_notify(Caller caller, TestNotify request) {
    if (!parts_.messaging) co_return not_found("there are no notifications");
    auto sent = co_await parts_.messaging->test_notify(current_catalog(), std::move(request), parts_.clock->now());
    if (sent) logs::daemon.info({}, "notify {}: tried by {}", sent->rule, caller.by);
    co_return sent;
}

awaitable<Result<TokenList>> EngineImpl::tokens() {
    auto ask = [this] { return tokens_.list(parts_.clock->now()); };
    co_return co_await offload(parts_.store_executor, std::move(ask));
}

awaitable<Result<NewTokenView>> EngineImpl::create_token(Caller caller, CreateToken request) {
    auto make = [this, caller, request] { return tokens_.create(request, caller.by, *current_catalog(), parts_.clock->now()); };
    auto made = co_await offload(parts_.store_executor, std::move(make));
    if (made) logs::daemon.info({}, "token {} with scope {} made by {}", request.name, request.scope, caller.by);
    co_return made;
}

awaitable<Result<TokenView>> EngineImpl::revoke_token(Caller caller, TokenName request) {
    auto end = [this, request] { return tokens_.revoke(request.name, parts_.clock->now()); };
    auto revoked = co_await offload(parts_.store_executor, std::move(end));
    if (revoked) logs::daemon.info({}, "token {} revoked by {}", request.name, caller.by);
    co_return revoked;
}

awaitable<Result<Principal>> EngineImpl::find_token(std::string token) {
    auto look = [this, token] { return tokens_.find(token, parts_.clock->now()); };
    if (!tokens_.ready()) co_return co_await offload(parts_.store_executor, std::move(look));
    auto found = look();
    auto note = [this] { tokens_.note_uses(); }; // once a minute for each token
    if (tokens_.uses_wait()) co_await offload(parts_.store_executor, note);
    co_return found;
}

std::optional<std::string> EngineImpl::unready() const {
    if (journal_.failing()) return "the ledger cannot be written";
    if (const auto refused = gate_.refusal()) return refused->message;
    return std::nullopt;
}

awaitable<Result<PauseView>> EngineImpl::pause(Caller caller, PauseJob request) {
    auto view = co_await record_pause(journal_, current_catalog(), std::move(request), std::move(caller), parts_.clock->now());
    scheduler_.look_at_pauses();
    co_return view;
}

awaitable<Result<PauseView>> EngineImpl::resume(Caller caller, ResumeJob request) {
    auto view = co_await record_resume(journal_, current_catalog(), std::move(request), std::move(caller), parts_.clock->now());
    scheduler_.look_at_pauses();
    co_return view;
}

CatalogView EngineImpl::catalog_view() const {
    auto view = in_force_.view();
    view.draining = gate_.draining();
    return view;
}

EngineMeasures EngineImpl::measures() const {
    EngineMeasures seen;
    dispatcher_.measure(seen);
    journal_.measure(seen);
    seen.sessions_kept = parts_.connector->kept();
    seen.draining = !gate_.draining().empty();
    in_force_.measure(seen);
    return seen;
}

awaitable<Result<CatalogView>> EngineImpl::reload(Caller caller) {
    if (!parts_.read_catalog) co_return Error{Errc::usage, "there is no daemon to reload"};
    std::function<void(CatalogPtr)> activate = [this](CatalogPtr taken) { scheduler_.activate(std::move(taken)); };
    const auto reloaded = co_await in_force_.reload(std::move(caller.by), std::move(activate));
    if (!reloaded) co_return reloaded.error();
    co_return catalog_view();
}

awaitable<Result<std::size_t>> EngineImpl::reconcile() {
    auto* dispatcher = parts_.read_catalog ? &dispatcher_ : nullptr;
    co_return co_await settle_orphans(journal_, *parts_.clock, current_catalog(), dispatcher);
}

awaitable<void> EngineImpl::serve(StopToken stop) {
    auto body = [this, stop]() -> awaitable<void> { co_await scheduler_.run(current_catalog(), stop); };
    co_await asio::co_spawn(control_, body, asio::use_awaitable);
}

awaitable<Result<CatalogView>> EngineImpl::drain(Caller caller, DrainRequest request) {
    const bool nothing = request.undo && gate_.draining().empty();
    if (request.undo) {
        if (auto refused = gate_.undrain()) co_return std::move(*refused);
    } else {
        gate_.drain(fmt::format("{} since {}", caller.by, to_rfc3339(parts_.clock->now())));
    }
    if (nothing) co_return catalog_view();
    scheduler_.hold(!request.undo);
    dispatcher_.hold(!request.undo);
    logs::daemon.info({}, "{}: {}", caller.by, request.undo ? "work begins again" : "nothing new begins");
    co_return catalog_view();
}

awaitable<void> EngineImpl::end(StopReason reason) {
    dispatcher_.stop_all(reason);
    co_await dispatcher_.join();
    if (parts_.plugins) co_await parts_.plugins->close();
    co_await parts_.connector->close();
    bus_.close();
    feed_->close();
}

} // namespace

std::unique_ptr<Engine> create_engine(EngineParts parts, CatalogPtr catalog) {
    return std::make_unique<EngineImpl>(std::move(parts), std::move(catalog));
}

} // namespace loom
