#include "core/run/scheduler.hpp"

#include "core/async/deadline.hpp"
#include "core/async/scope.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/schedule/retry.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// The longest wait before the clock is read anew: it may jump, and the machine may sleep, without waking a timer.
constexpr std::chrono::seconds look_again{1};
/// Rows of new schedules that wait for the ledger at once.
constexpr std::size_t seen_at_once = 1024;

Facts known_facts(const JobFacts& facts) {
    Facts known;
    known.last_due = facts.last_due;
    known.since = facts.since;
    known.started = facts.started;
    return known;
}

} // namespace

RunPlan plan_of(const Job& job, CatalogPtr catalog, const std::vector<std::string>& targets) {
    RunPlan plan;
    plan.task = *job.task;
    plan.timeout = job.policy->timeout;
    plan.retry = job.policy->retry;
    plan.fan_out = job.policy->fan_out;
    plan.log_file = job.policy->log_file;
    plan.expect = job.policy->expect;
    plan.node_overlap = overlap_of_nodes(job);
    plan.made_up = job.policy->catch_up_nodes;
    plan.nodes.reserve(targets.size());
    for (const auto& name : targets)
        if (const auto* node = catalog->find_node(name)) plan.nodes.push_back(node);
    plan.catalog = std::move(catalog);
    return plan;
}

void set_parallel(FanOut& fan_out, std::size_t parallel, bool automatic) {
    if (!automatic && parallel == 0) return;
    fan_out.parallel = automatic ? limits::parallel_default : std::min(parallel, limits::parallel_max);
    fan_out.parallel_auto = automatic;
}

Scheduler::Scheduler(const EngineParts& parts, Journal& journal, Dispatcher& dispatcher, const Executor& strand)
    : parts_(parts), journal_(journal), dispatcher_(dispatcher), planner_(fresh_planner()),
      followers_(parts, journal, dispatcher), bell_(strand), returning_(parts, journal, dispatcher, strand, bell_) {}

void Scheduler::look_at_ended(const std::string& job) {
    followers_.ask();
    returning_.ask(job);
    bell_.ring();
}

Planner Scheduler::fresh_planner() {
    return {[this](const std::string& job) { return dispatcher_.in_flight(job); }, parts_.boot_id, !begun_};
}

void Scheduler::activate(CatalogPtr catalog) {
    {
        const std::lock_guard lock(mutex_);
        waiting_ = std::move(catalog);
    }
    bell_.ring();
}

void Scheduler::hold(bool held) {
    held_ = held;
    bell_.ring();
}

void Scheduler::look_at_pauses() {
    {
        const std::lock_guard lock(mutex_);
        pauses_changed_ = true;
    }
    bell_.ring();
}

awaitable<void> Scheduler::run(CatalogPtr catalog, StopToken stop) {
    const auto executor = co_await asio::this_coro::executor;
    auto ring = [bell = bell_](StopReason) { bell.ring(); };
    const auto registration = stop.on_stop(executor, std::move(ring));
    co_await begin_anew(std::move(catalog), stop);
    while (!stop.requested()) {
        if (held_) {
            co_await bell_.wait();
            continue;
        }
        CatalogPtr waiting;
        bool pauses = false;
        {
            const std::lock_guard lock(mutex_);
            waiting = std::exchange(waiting_, nullptr);
            pauses = std::exchange(pauses_changed_, false);
        }
        bool recorded = true;
        if (waiting) recorded = co_await take_over(waiting);
        else if (pauses) recorded = co_await read_pauses();
        auto planned = planner_.due(parts_.clock->now());
        if (recorded) recorded = co_await act(std::move(planned));
        if (!recorded) {
            auto again = waiting ? waiting : planner_.catalog();
            co_await begin_anew(std::move(again), stop);
        } else {
            co_await followers_.settle(planner_.catalog());
            co_await returning_.settle(planner_.catalog(), planner_.pauses(), stop);
        }
        std::chrono::steady_clock::duration wait = look_again;
        if (const auto wake = planner_.next_wake())
            wait = std::clamp<std::chrono::steady_clock::duration>(*wake - parts_.clock->now(), Milliseconds(0), wait);
        const bool rung = co_await bell_.wait_for(wait);
        (void)rung;
    }
    co_await returning_.join();
}

awaitable<void> Scheduler::begin_anew(CatalogPtr catalog, StopToken stop) {
    for (int tries = 1; !stop.requested(); ++tries) {
        planner_ = fresh_planner();
        const bool recorded = co_await take_over(catalog);
        if (recorded) co_return;
        const auto wait = ledger_pause(tries);
        const bool waited = co_await pause_for(wait, stop);
        (void)waited;
    }
}

awaitable<bool> Scheduler::read_pauses() {
    auto ask = [](RunStore& store) { return store.pauses(); };
    const auto pauses = co_await journal_.read(std::move(ask));
    if (!pauses) co_return false;
    auto planned = planner_.set_pauses(PauseTable(*pauses), parts_.clock->now());
    co_return co_await act(std::move(planned));
}

awaitable<bool> Scheduler::take_over(CatalogPtr catalog) {
    // What the pauses that are over have left belongs to the former catalog's jobs.
    const bool paused = co_await read_pauses();
    auto ask = [](RunStore& store) { return store.facts(); };
    const auto facts = co_await journal_.read(std::move(ask));
    if (facts && !paused) co_return false;
    if (!facts) {
        if (!std::exchange(unread_, true))
            logs::schedule.error({}, "the history cannot be read, schedules stand still until it can: {}", facts.error().message);
        co_return false;
    }
    unread_ = false;
    std::map<std::string, Planner::Known> known;
    for (const auto& [job, fact] : *facts) known[job] = {fact.schedule_text, known_facts(fact)};
    failpoint("schedule.read");
    returning_.ask_all(*catalog);
    auto plan = planner_.activate(std::move(catalog), known, parts_.clock->now());
    failpoint("schedule.planned");
    const bool seen = co_await record_seen(std::move(plan.activations));
    if (!seen) co_return false;
    begun_ = true;
    co_return co_await act(std::move(plan.planned));
}

/// Many at a time, so that they share transactions: one after another, a hundred thousand new jobs took minutes.
awaitable<bool> Scheduler::record_seen(std::vector<Planner::Activation> activations) {
    const auto executor = co_await asio::this_coro::executor;
    Scope writing(executor);
    bool recorded = true;
    for (auto& activation : activations) {
        auto write = [this, &recorded, activation = std::move(activation)]() -> awaitable<void> {
            ScheduleSeen seen;
            seen.job = activation.job;
            seen.text = activation.text;
            seen.at = activation.at;
            Record record = std::move(seen);
            const auto verdict = co_await journal_.record(std::move(record));
            failpoint("schedule.seen");
            if (!verdict) recorded = false;
        };
        writing.spawn(std::move(write));
        if (writing.live() >= seen_at_once) co_await writing.join();
    }
    co_await writing.join();
    co_return recorded;
}

awaitable<bool> Scheduler::act(std::vector<Planned> planned) {
    for (auto& [job, decision] : planned) {
        failpoint("schedule.acting");
        const bool recorded = co_await act(*job, std::move(decision));
        if (!recorded) co_return false;
        failpoint("schedule.acted");
    }
    co_return true;
}

awaitable<bool> Scheduler::act(const Job& job, Decision decision) {
    const auto& catalog = planner_.catalog()->digest;
    switch (decision.kind) {
    case Decision::Kind::nothing:
    case Decision::Kind::hold: break; // the planner's own
    case Decision::Kind::fire: co_return co_await fire(job, std::move(decision));
    case Decision::Kind::skip:
        co_return co_await dispatcher_.record_not_run(job.name, decision.due, RunState::skipped, decision.why, catalog);
    case Decision::Kind::missed:
        co_return co_await dispatcher_.record_not_run(job.name, decision.due, RunState::missed, decision.why, catalog);
    }
    co_return true;
}

awaitable<bool> Scheduler::fire(const Job& job, Decision decision) {
    Firing firing;
    firing.job = job.name;
    firing.due = decision.due;
    firing.claim = claim_of(decision.due);
    firing.reason = decision.reason;
    firing.by = "schedule";
    firing.label = describe_task(*job.task);
    firing.overlap = overlap_of_runs(job);
    firing.on_empty = job.policy->on_empty;
    firing.plan = plan_of(job, planner_.catalog(), job.targets->nodes);
    const bool by_cron = decision.reason == Reason::cron;
    const auto run = co_await dispatcher_.fire(std::move(firing));
    if (run && by_cron) dispatcher_.measures().schedule_lag.observe(parts_.clock->now() - decision.due - splay_of(job, decision.due));
    if (run) co_return true;
    if (run.error().code == Errc::unavailable) co_return false;
    logs::schedule.info({.job = job.name}, "{}", run.error().message);
    // That this instant was passed over is recorded, unless it has its run already.
    if (run.error().code != Errc::conflict) co_return true;
    co_return co_await dispatcher_.record_not_run(job.name, decision.due, RunState::skipped, run.error().message,
                                                  planner_.catalog()->digest);
}

} // namespace loom
