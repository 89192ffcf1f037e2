#pragma once
#include "app/http/sight.hpp"

namespace loom {

/// The service as one caller sees it, by its grant: what it may not see is not there (Errc::not_found, in the same words as
/// what is nowhere), what it may see and not do is Errc::denied, lists and counts hold only what it may see. Whether it has
/// the scope for a request at all is decided before (`refusal`). `inner` outlives it and what it gives.
class GuardedService final : public Service {
public:
    GuardedService(Service& inner, Grant grant) : inner_(inner), grant_(std::move(grant)) {}

    awaitable<Result<RunView>> start_job(Caller caller, StartJob request) override;
    awaitable<Result<RunView>> start_exec(Caller caller, StartExec request) override;
    awaitable<Result<RunView>> retry(Caller caller, StartRetry request) override;
    awaitable<Result<RunView>> cancel(Caller caller, RunRef request) override;
    awaitable<Result<RunView>> run(RunQuery request) override;
    awaitable<Result<RunPage>> runs(RunsQuery request) override;
    awaitable<Result<NodeResultList>> results(RunRef request) override;
    awaitable<Result<OutputGroupList>> gathered(RunRef request) override;
    awaitable<Result<NodeOutputView>> output(NodeRef request) override;
    awaitable<Result<NodeOutputPiece>> output_piece(NodeOutputQuery request) override;
    awaitable<Result<std::unique_ptr<EventStream>>> watch(WatchRun request) override;
    awaitable<Result<std::unique_ptr<EventStream>>> events(EventsQuery request) override;
    awaitable<Result<JobList>> jobs(JobsQuery request) override;
    awaitable<Result<JobView>> job(JobName request) override;
    awaitable<Result<PauseView>> pause(Caller caller, PauseJob request) override;
    awaitable<Result<PauseView>> resume(Caller caller, ResumeJob request) override;
    awaitable<Result<NodeList>> nodes(NodesQuery request) override;
    awaitable<Result<NodeSettingsView>> node_settings(NodeName request) override;
    awaitable<Result<HostKeyView>> trust(Caller caller, TrustNode request) override;
    awaitable<Result<PlanView>> plan_job(StartJob request) override;
    awaitable<Result<PlanView>> plan_exec(StartExec request) override;
    awaitable<Result<PlanView>> plan_retry(StartRetry request) override;
    awaitable<Result<DueList>> next(NextQuery request) override;
    awaitable<Result<BackfillList>> plan_backfill(BackfillQuery request) override;
    awaitable<Result<WhyView>> why(WhyQuery request) override;
    awaitable<Result<CatalogView>> catalog() override;

    // Of everything: `refusal` lets nobody here who is limited.
    awaitable<Result<HookList>> hooks() override { return inner_.hooks(); }
    awaitable<Result<HookTestView>> test_hook(TestHook request) override { return inner_.test_hook(std::move(request)); }
    awaitable<Result<NotifyRuleList>> notify_rules() override { return inner_.notify_rules(); }
    awaitable<Result<NotifyTestView>> test_notify(Caller caller, TestNotify request) override {
        return inner_.test_notify(std::move(caller), std::move(request));
    }
    awaitable<Result<TokenList>> tokens() override { return inner_.tokens(); }
    awaitable<Result<NewTokenView>> create_token(Caller caller, CreateToken request) override {
        return inner_.create_token(std::move(caller), std::move(request));
    }
    awaitable<Result<TokenView>> revoke_token(Caller caller, TokenName request) override {
        return inner_.revoke_token(std::move(caller), std::move(request));
    }
    awaitable<Result<CatalogDiffView>> catalog_diff() override { return inner_.catalog_diff(); }
    awaitable<Result<CatalogView>> reload(Caller caller) override { return inner_.reload(std::move(caller)); }
    awaitable<Result<CatalogView>> drain(Caller caller, DrainRequest request) override {
        return inner_.drain(std::move(caller), request);
    }
    awaitable<Result<VersionView>> version() override { return inner_.version(); }

private:
    struct SeenRun {
        Sight sight;
        RunView run;        ///< as the caller sees it
        bool whole = false; ///< all of its nodes
    };
    struct SeenJob {
        Sight sight;
        JobView job;
        bool whole = false;
    };
    awaitable<Result<SeenRun>> see_run(std::string id, std::string wait = std::string());
    awaitable<Result<SeenJob>> see_job(std::string name);
    awaitable<Result<void>> may_change_job(std::string name, bool all);
    awaitable<std::vector<std::string>> nodes_of(std::string targets);
    awaitable<Result<void>> may_ask_for(std::string expression);
    awaitable<Result<void>> confine(Result<PlanView> plan, std::string& limit);
    awaitable<Result<void>> confine_job(StartJob& request);
    awaitable<Result<void>> confine_exec(StartExec& request);
    awaitable<Result<void>> confine_retry(StartRetry& request);

    Service& inner_;
    Grant grant_;
};

} // namespace loom
