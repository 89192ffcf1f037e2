#include "core/run/hook_run.hpp"

#include "core/run/history.hpp"
#include "core/run/queries.hpp"
#include "core/run/scheduler.hpp"
#include "core/run/to_views.hpp"
#include "core/schedule/planner.hpp"
#include "core/schedule/verdicts.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::optional<Delivery> delivery_of(const HookStart& start) {
    if (start.delivery.empty()) return std::nullopt;
    return Delivery{start.hook, start.delivery};
}

Firing firing_of(const Job& job, CatalogPtr catalog, HookStart start) {
    Firing firing;
    firing.job = job.name;
    firing.reason = Reason::webhook;
    firing.by = "hook:" + start.hook;
    firing.delivery = delivery_of(start);
    firing.trace = std::move(start.trace);
    firing.label = describe_task(*job.task);
    firing.overlap = overlap_of_runs(job);
    firing.on_empty = job.policy->on_empty;
    firing.plan = plan_of(job, std::move(catalog), job.targets->nodes);
    firing.plan.params = std::move(start.params);
    return firing;
}

/// The row of a delivery that runs nothing.
Run skipped_row(const Firing& firing, std::string why) {
    Run row;
    row.job = firing.job;
    row.reason = firing.reason;
    row.by = firing.by;
    row.state = RunState::skipped;
    row.message = std::move(why);
    row.task = firing.label;
    row.catalog = firing.plan.catalog->digest;
    row.trace = firing.trace;
    row.params = firing.plan.params;
    return row;
}

/// The run that the delivery has made; nothing: none yet.
awaitable<Result<std::optional<RunView>>> run_of(Journal& journal, Delivery delivery, Instant now) {
    auto ask = [delivery, now](RunStore& store) { return store.delivered(delivery, now); };
    const auto id = co_await journal.read(std::move(ask));
    if (!id) co_return id.error();
    if (!*id) co_return std::optional<RunView>();
    RunView view;
    view.id = **id; // all that is left of it where its row has been pruned
    const auto run = co_await find_run(journal, **id);
    if (!run && run.error().code != Errc::not_found) co_return run.error();
    if (run) view = to_view(*run);
    co_return std::optional<RunView>(std::move(view));
}

awaitable<Result<std::string>> why_paused(Journal& journal, std::string job, Instant now) {
    auto ask = [](RunStore& store) { return store.pauses(); };
    const auto pauses = co_await journal.read(std::move(ask));
    if (!pauses) co_return pauses.error();
    const PauseTable table(*pauses);
    Facts facts;
    facts.pauses = table.of(job);
    const auto* pause = paused(facts, now);
    co_return pause ? paused_since(*pause) : std::string();
}

/// A delivery without an id, which made no row that could be asked for.
HookStarted nowhere(const Firing& firing, std::string why) {
    HookStarted started;
    started.run.job = firing.job;
    started.run.state = to_string(RunState::skipped);
    started.run.message = std::move(why);
    return started;
}

} // namespace

awaitable<Result<HookStarted>> start_by_hook(Journal& journal, Dispatcher& dispatcher, const Gate& gate, CatalogPtr catalog, HookStart start,
                                             Instant now) {
    const auto delivery = delivery_of(start);
    if (delivery) {
        // Most of a flood of duplicates ends here, without a turn at writing.
        auto known = co_await run_of(journal, *delivery, now);
        if (!known) co_return known.error();
        if (*known) co_return HookStarted(std::move(**known), true);
    }
    const auto* job = catalog->find_job(start.job);
    if (!job) co_return Error{Errc::conflict, no_job(*catalog, start.job).message};
    if (const auto refused = gate.refusal()) co_return Error{Errc::unavailable, refused->message};
    auto firing = firing_of(*job, catalog, std::move(start));
    auto why = co_await why_paused(journal, job->name, now);
    if (!why) co_return why.error();
    auto reason = std::move(*why);
    if (reason.empty()) {
        auto copy = firing;
        const auto id = co_await dispatcher.fire(std::move(copy));
        if (id) {
            const auto run = co_await find_run(journal, *id);
            if (!run) co_return run.error();
            co_return HookStarted(to_view(*run), false);
        }
        if (id.error().code != Errc::conflict) co_return id.error();
        reason = id.error().message;
    }
    if (delivery) { // which may be the conflict: its duplicate was faster
        auto known = co_await run_of(journal, *delivery, now);
        if (!known) co_return known.error();
        if (*known) co_return HookStarted(std::move(**known), true);
    }
    auto row = skipped_row(firing, reason);
    auto followers = catalog->followers_of(job->name);
    const bool recorded = co_await dispatcher.record_not_run(std::move(row), std::move(followers), delivery);
    if (!recorded) co_return Error{Errc::unavailable, "the ledger cannot be written"};
    if (!delivery) co_return nowhere(firing, std::move(reason));
    auto known = co_await run_of(journal, *delivery, now);
    if (!known) co_return known.error();
    if (!*known) co_return nowhere(firing, std::move(reason));
    co_return HookStarted(std::move(**known), false);
}

} // namespace loom
