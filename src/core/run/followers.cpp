#include "core/run/followers.hpp"

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/run/scheduler.hpp"

#include <algorithm>

namespace loom {
namespace {

constexpr std::chrono::seconds ask_unasked_every{10};

} // namespace

Followers::Followers(const EngineParts& parts, Journal& journal, Dispatcher& dispatcher)
    : parts_(parts), journal_(journal), dispatcher_(dispatcher) {}

awaitable<void> Followers::settle(CatalogPtr catalog) {
    const auto now = std::chrono::steady_clock::now();
    if (!asked_.exchange(false) && now - looked_ < ask_unasked_every) co_return;
    looked_ = now;
    if (catalog->followers.empty()) co_return;
    auto ask = [](RunStore& store) { return store.upstreams(); };
    const auto read = co_await journal_.read(std::move(ask));
    if (!read) {
        logs::schedule.error({}, "what runs are to be followed could not be read: {}", read.error().message);
        co_return;
    }
    failpoint("follow.read");
    auto ask_pauses = [](RunStore& store) { return store.pauses(); };
    const auto pauses = co_await journal_.read(std::move(ask_pauses));
    if (!pauses) co_return; // it all stays to be followed
    const PauseTable table(*pauses);
    for (auto first = read->begin(); first != read->end();) {
        const auto other = [&](const Upstream& one) { return one.follower != first->follower; };
        const auto last = std::find_if(first, read->end(), other);
        const std::vector<Upstream> ended(first, last);
        first = last;
        const auto* job = catalog->find_job(ended.front().follower);
        if (!job) continue;
        auto plan = decide_after(*job, ended, parts_.clock->now(), table.of(job->name));
        if (plan.kind != AfterPlan::Kind::nothing) co_await follow(*job, std::move(plan), catalog);
    }
}

awaitable<void> Followers::follow(const Job& job, AfterPlan plan, CatalogPtr catalog) {
    failpoint("follow.decided");
    Run row;
    row.job = job.name;
    row.claim = claim_of(plan.upstream);
    row.reason = Reason::after;
    row.upstream = plan.upstream;
    row.catalog = catalog->digest;
    row.state = plan.kind == AfterPlan::Kind::missed ? RunState::missed : RunState::skipped;
    row.message = plan.why;
    if (plan.kind == AfterPlan::Kind::fire) {
        Firing firing;
        firing.job = job.name;
        firing.claim = row.claim;
        firing.reason = Reason::after;
        firing.by = "schedule";
        firing.label = describe_task(*job.task);
        firing.upstream = std::move(plan.upstream);
        firing.overlap = overlap_of_runs(job);
        firing.on_empty = job.policy->on_empty;
        firing.plan = plan_of(job, catalog, job.targets->nodes);
        const auto run = co_await dispatcher_.fire(std::move(firing));
        failpoint("follow.recorded");
        if (run) co_return;
        logs::schedule.info({.job = job.name}, "{}", run.error().message);
        if (run.error().code != Errc::conflict) co_return; // it stays to be followed
        row.message = run.error().message;
    }
    auto followers = catalog->followers_of(job.name);
    const bool recorded = co_await dispatcher_.record_not_run(std::move(row), std::move(followers));
    (void)recorded; // if not, it stays to be followed
}

} // namespace loom
