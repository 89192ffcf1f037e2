#include "app/http/guarded_service.hpp"

#include "core/model/nodeset.hpp"

#include <algorithm>

// What a GuardedService lets its caller begin, end and hold back.

namespace loom {
namespace {

Error too_wide() {
    return {Errc::denied, "this reaches nodes that the token is not for; `limit` can keep it within those that it is for"};
}

} // namespace

/// The nodes that failed in a run are told to who sees that run.
awaitable<Result<void>> GuardedService::may_ask_for(std::string expression) {
    if (!grant_.limited()) co_return Result<void>();
    for (const auto& run : runs_in(expression)) {
        if (run == "last") co_return usage_error("@failed:last: a token that is limited names the run by its id");
        const auto seen = co_await see_run(run);
        if (!seen) co_return seen.error();
    }
    co_return Result<void>();
}

/// Whether all that the plan reaches is the caller's. It is written into the limit, so that nothing else can come in between the
/// look and the work.
awaitable<Result<void>> GuardedService::confine(Result<PlanView> plan, std::string& limit) {
    if (!plan && plan.error().code == Errc::not_found) co_return not_found("there is no such job, run or node for this token");
    if (!plan) co_return plan.error();
    const auto names = plan->targets.empty() ? std::vector<std::string>() : expand_nodeset(plan->targets).value();
    auto mine = co_await nodes_of(grant_.nodes);
    std::ranges::sort(mine);
    for (const auto& name : names)
        if (!std::ranges::binary_search(mine, name)) co_return too_wide();
    if (names.empty()) co_return Error{Errc::conflict, "there is no target"};
    limit = plan->targets;
    co_return Result<void>();
}

awaitable<Result<void>> GuardedService::confine_job(StartJob& request) {
    const auto seen = co_await see_job(request.job);
    if (!seen) co_return seen.error();
    // It would not see what it started.
    if (request.check && !covers_job(grant_, "")) co_return Error{Errc::denied, "a check is no run of its job: a token that is limited to jobs may not start one"};
    if (auto may = co_await may_ask_for(request.limit); !may) co_return may.error();
    if (grant_.nodes.empty()) co_return Result<void>();
    auto plan = co_await inner_.plan_job(request);
    co_return co_await confine(std::move(plan), request.limit);
}

awaitable<Result<void>> GuardedService::confine_exec(StartExec& request) {
    if (!covers_job(grant_, "")) co_return Error{Errc::denied, "this token is for jobs, not for commands"};
    if (grant_.scope < AccessScope::admin && reaches_the_host(request))
        co_return Error{Errc::denied, "such a task, adhoc and identity reach files and hosts of the daemon's own: they need the scope admin"};
    if (!grant_.nodes.empty() && request.adhoc) co_return too_wide();
    auto expressions = request.targets + " " + request.limit;
    if (auto may = co_await may_ask_for(std::move(expressions)); !may) co_return may.error();
    if (grant_.nodes.empty()) co_return Result<void>();
    auto plan = co_await inner_.plan_exec(request);
    co_return co_await confine(std::move(plan), request.limit);
}

awaitable<Result<void>> GuardedService::confine_retry(StartRetry& request) {
    const auto seen = co_await see_run(request.id);
    if (!seen) co_return seen.error();
    request.id = seen->run.id;
    if (auto may = co_await may_ask_for(request.limit); !may) co_return may.error();
    if (grant_.nodes.empty()) co_return Result<void>();
    auto plan = co_await inner_.plan_retry(request);
    co_return co_await confine(std::move(plan), request.limit);
}

awaitable<Result<RunView>> GuardedService::start_job(Caller caller, StartJob request) {
    if (auto confined = co_await confine_job(request); !confined) co_return confined.error();
    co_return co_await inner_.start_job(std::move(caller), std::move(request));
}

awaitable<Result<RunView>> GuardedService::start_exec(Caller caller, StartExec request) {
    if (auto confined = co_await confine_exec(request); !confined) co_return confined.error();
    co_return co_await inner_.start_exec(std::move(caller), std::move(request));
}

awaitable<Result<RunView>> GuardedService::retry(Caller caller, StartRetry request) {
    if (auto confined = co_await confine_retry(request); !confined) co_return confined.error();
    co_return co_await inner_.retry(std::move(caller), std::move(request));
}

awaitable<Result<PlanView>> GuardedService::plan_job(StartJob request) {
    if (auto confined = co_await confine_job(request); !confined) co_return confined.error();
    co_return co_await inner_.plan_job(std::move(request));
}

awaitable<Result<PlanView>> GuardedService::plan_exec(StartExec request) {
    if (auto confined = co_await confine_exec(request); !confined) co_return confined.error();
    co_return co_await inner_.plan_exec(std::move(request));
}

awaitable<Result<PlanView>> GuardedService::plan_retry(StartRetry request) {
    if (auto confined = co_await confine_retry(request); !confined) co_return confined.error();
    co_return co_await inner_.plan_retry(std::move(request));
}

awaitable<Result<RunView>> GuardedService::cancel(Caller caller, RunRef request) {
    const auto seen = co_await see_run(std::move(request.id));
    if (!seen) co_return seen.error();
    if (!seen->whole) co_return Error{Errc::denied, "the run is on nodes too that this token is not for"};
    RunRef ref;
    ref.id = seen->run.id;
    co_return co_await inner_.cancel(std::move(caller), std::move(ref));
}

/// To pause a job is to pause it on all of its nodes.
awaitable<Result<void>> GuardedService::may_change_job(std::string name, bool all) {
    if (all && grant_.limited()) co_return Error{Errc::denied, "this token is not for all jobs and nodes"};
    if (all) co_return Result<void>();
    const auto seen = co_await see_job(std::move(name));
    if (!seen) co_return seen.error();
    if (!seen->whole) co_return Error{Errc::denied, "the job is on nodes too that this token is not for"};
    co_return Result<void>();
}

awaitable<Result<PauseView>> GuardedService::pause(Caller caller, PauseJob request) {
    if (auto may = co_await may_change_job(request.job, request.all); !may) co_return may.error();
    co_return co_await inner_.pause(std::move(caller), std::move(request));
}

awaitable<Result<PauseView>> GuardedService::resume(Caller caller, ResumeJob request) {
    if (auto may = co_await may_change_job(request.job, request.all); !may) co_return may.error();
    co_return co_await inner_.resume(std::move(caller), std::move(request));
}

} // namespace loom
