#include "core/run/dispatcher.hpp"

#include "core/async/run_on.hpp"
#include "core/base/digest.hpp"
#include "core/base/failpoint.hpp"
#include "core/run/retry.hpp"

#include <spdlog/spdlog.h>

namespace loom {
namespace {

Run row_of(const Firing& firing, Instant now) {
    Run run;
    run.id = uuid_v7(now.time_since_epoch().count());
    run.job = firing.job;
    run.due = firing.due;
    run.claim = firing.claim;
    run.reason = firing.reason;
    run.by = firing.by;
    run.started = now;
    run.task = firing.label;
    run.of = firing.of;
    run.spec = freeze(firing.plan);
    run.catalog = firing.plan.catalog->digest;
    run.targets.reserve(firing.plan.nodes.size());
    for (const auto* node : firing.plan.nodes) run.targets.push_back(node->name);
    if (run.targets.empty()) {
        constexpr RunState states[] = {RunState::failed, RunState::skipped, RunState::ok};
        run.state = states[static_cast<std::size_t>(firing.on_empty)];
        run.finished = now;
        run.message = "there is no target";
    }
    return run;
}

Error refused(Verdict verdict, const Firing& firing) {
    if (verdict == Verdict::duplicate)
        return {Errc::conflict, fmt::format("job \"{}\" has its run for {} already", firing.job,
                                            firing.due ? to_rfc3339(*firing.due) : "this id")};
    return {Errc::conflict, fmt::format("job \"{}\" is running already (loom runs --job {} --state running)", firing.job,
                                        firing.job)};
}

} // namespace

Dispatcher::Dispatcher(const EngineParts& parts, Journal& journal, EventBus& bus)
    : parts_(parts), journal_(journal), bus_(bus), shared_(parts.descriptors), runs_(parts.strands.of("runs")) {}

awaitable<Result<std::string>> Dispatcher::fire(Firing firing) {
    RunCreated created;
    created.run = row_of(firing, parts_.clock->now());
    created.exclusive = firing.exclusive;
    created.ends = std::move(firing.ends);
    const RunName run{created.run.id, created.run.job, created.run.due};
    const bool runs = created.run.state == RunState::running;
    StopToken stop;
    {
        const std::lock_guard lock(mutex_);
        if (closed_) co_return Error{Errc::unavailable, "Loom is shutting down"};
        // Known before it is claimed: whoever reads the row can already cancel it.
        if (runs) {
            live_.emplace(run.id, Live{run.job, stop});
            jobs_.insert(run.job);
        }
    }
    Record record = std::move(created);
    failpoint("claim.decided");
    const auto verdict = co_await journal_.record(std::move(record));
    if (!verdict || *verdict != Verdict::recorded) {
        failpoint("claim.refused");
        if (runs) forget(run.id);
        if (!verdict) co_return verdict.error();
        co_return refused(*verdict, firing);
    }
    failpoint("claim.recorded");
    if (!runs) co_return run.id;
    auto work = [this, run, plan = std::move(firing.plan), stop]() mutable -> awaitable<void> {
        co_await this->run(run, std::move(plan), stop);
    };
    runs_.spawn(parts_.strands.of(run.id), std::move(work));
    co_return run.id;
}

awaitable<void> Dispatcher::run(RunName run, RunPlan plan, StopToken stop) {
    const auto id = run.id;
    {
        const std::lock_guard lock(shared_.mutex);
        shared_.starts.change(plan.catalog->settings.starts_per_second);
    }
    {
        Runner runner(parts_, journal_, bus_, shared_, std::move(run), std::move(plan), stop);
        co_await runner.go();
    }
    forget(id);
    failpoint("finish.forgotten");
}

void Dispatcher::forget(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto run = live_.find(id);
    jobs_.erase(jobs_.find(run->second.job));
    live_.erase(run);
}

awaitable<bool> Dispatcher::record_not_run(std::string job, Instant due, RunState state, std::string why,
                                           std::string catalog) {
    const auto now = parts_.clock->now();
    RunCreated created;
    created.run.id = uuid_v7(now.time_since_epoch().count());
    created.run.job = job;
    created.run.due = due;
    created.run.claim = claim_of(due);
    created.run.reason = Reason::cron;
    created.run.by = "schedule";
    created.run.state = state;
    created.run.started = now;
    created.run.finished = now;
    created.run.message = std::move(why);
    created.run.catalog = std::move(catalog);
    Record record = std::move(created);
    failpoint("not_run.decided");
    const auto verdict = co_await journal_.record(std::move(record));
    failpoint("not_run.recorded");
    co_return verdict.has_value();
}

bool Dispatcher::in_flight(const std::string& job) const {
    const std::lock_guard lock(mutex_);
    return jobs_.contains(job);
}

bool Dispatcher::has(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return live_.contains(id);
}

bool Dispatcher::stop(const std::string& id, StopReason reason) {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(id);
    return found != live_.end() && (found->second.stop.request(reason), true);
}

void Dispatcher::stop_all(StopReason reason) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [id, live] : live_) live.stop.request(reason);
}

awaitable<void> Dispatcher::join() {
    auto join = [this]() -> awaitable<void> { co_await runs_.join(); };
    std::function<awaitable<void>()> work = std::ref(join);
    co_await run_on(runs_.executor(), work);
}

} // namespace loom
