#include "core/run/dispatcher.hpp"

#include "core/async/deadline.hpp"
#include "core/async/run_on.hpp"
#include "core/base/digest.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"
#include "core/run/overdue.hpp"
#include "core/run/retry.hpp"
#include "core/run/tell.hpp"
#include "core/schedule/fan_out.hpp"

#include <spdlog/fmt/fmt.h>

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
    run.upstream = firing.upstream;
    run.trace = firing.trace;
    run.params = firing.plan.params;
    run.spec = freeze(firing.plan);
    run.catalog = firing.plan.catalog->digest;
    if (firing.waits) {
        run.state = RunState::waiting;
        run.message = "waits for its turn";
    }
    run.targets.reserve(firing.plan.nodes.size());
    for (const auto* node : firing.plan.nodes) run.targets.push_back(node->name);
    if (run.targets.empty()) {
        run.state = state_of_none(firing.on_empty);
        run.finished = now;
        run.message = "there is no target";
    }
    return run;
}

/// How often a claim is tried again that met runs which had ended when it looked: each time another one began meanwhile.
constexpr int claims_most = 100;
/// How often the ledger is asked for a run's turn: what holds it may be in another process.
constexpr std::chrono::seconds ask_for_turn_every{1};

Error taken(const Run& run) {
    return {Errc::conflict, fmt::format("job \"{}\" has its run for {} already", run.job,
                                        run.due ? to_rfc3339(*run.due) : "this id")};
}

Error overlapping(const Run& run, const std::string& why) {
    return {Errc::conflict, fmt::format("job \"{}\" is running already: {}", run.job, why)};
}

} // namespace

Dispatcher::Dispatcher(const EngineParts& parts, Journal& journal, EventBus& bus)
    : parts_(parts), journal_(journal), bus_(bus), shared_(parts.descriptors), runs_(parts.strands.of("runs")) {}

awaitable<Result<std::string>> Dispatcher::fire(Firing firing) {
    RunCreated created;
    created.run = row_of(firing, parts_.clock->now());
    created.ends = std::move(firing.ends);
    created.delivery = std::move(firing.delivery);
    created.followers = firing.plan.catalog->followers_of(firing.job);
    created.request_key = firing.request_key;
    created.request_digest = firing.request_digest;
    const RunName run{created.run.id, created.run.job, created.run.due};
    const bool runs = !terminal(created.run.state), followed = !created.followers.empty();
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
    failpoint("claim.decided");
    const auto claimed = co_await claim(std::move(created), firing.overlap, firing.plan.node_overlap);
    if (!claimed) {
        failpoint("claim.refused");
        if (runs) forget(run.id);
        co_return claimed.error();
    }
    failpoint("claim.recorded");
    if (!runs) {
        shared_.measures.count_end(run.job, *claimed, parts_.clock->now(), parts_.clock->now());
        if (followed) when_ended(run.job);
        co_return run.id;
    }
    const bool waits = *claimed == RunState::waiting;
    if (waits) set_waits(run.id, true);
    auto work = [this, run, plan = std::move(firing.plan), stop, waits]() mutable -> awaitable<void> {
        co_await this->run(run, std::move(plan), stop, waits);
    };
    runs_.spawn(parts_.strands.of(run.id), std::move(work));
    co_return run.id;
}

/// Writes the row: as it is where nothing is in its way, else as the policy says.
awaitable<Result<RunState>> Dispatcher::claim(RunCreated created, Overlap overlap, Overlap node_overlap) {
    const auto& run = created.run;
    created.exclusive = run.state == RunState::running && overlap != Overlap::allow;
    if (node_overlap != Overlap::allow) {
        const auto others = co_await others_in_flight(run.job);
        if (!others) co_return others.error();
        if (others->size() > limits::runs_waiting)
            co_return overlapping(run, fmt::format("{} runs have not ended (overlap: {})", others->size(),
                                                   to_string(node_overlap)));
    }
    for (int tries = 0; tries < claims_most; ++tries) {
        Record record = created;
        auto verdict = co_await journal_.record(std::move(record));
        if (!verdict) co_return verdict.error();
        if (*verdict == Verdict::duplicate) co_return taken(run);
        if (*verdict == Verdict::recorded) co_return run.state;
        const auto others = co_await others_in_flight(run.job);
        if (!others) co_return others.error();
        auto plan = decide_overlap(overlap, *others);
        if (plan.kind == OverlapPlan::Kind::start) continue; // what was in the way has ended
        if (plan.kind == OverlapPlan::Kind::skip) co_return overlapping(run, plan.why);
        created.exclusive = false;
        created.run.state = RunState::waiting;
        created.run.message = plan.why;
        record = created;
        verdict = co_await journal_.record(std::move(record));
        if (!verdict) co_return verdict.error();
        if (*verdict == Verdict::duplicate) co_return taken(run);
        RunName by{run.id, run.job, run.due};
        co_await make_room(std::move(plan), overlap, std::move(by));
        co_return RunState::waiting;
    }
    co_return overlapping(run, "others began again and again");
}

awaitable<Result<std::vector<InFlight>>> Dispatcher::others_in_flight(std::string job) {
    auto ask = [job = std::move(job)](RunStore& store) { return store.in_flight(job); };
    co_return co_await journal_.read(std::move(ask));
}

/// Ends what waits in this run's place, and what is to be cancelled for it. A run of another process is waited for.
awaitable<void> Dispatcher::make_room(OverlapPlan plan, Overlap overlap, RunName by) {
    const auto words = replaced_message(overlap, by.id);
    failpoint("room.decided");
    for (const auto& id : plan.cancelled) stop(id, StopReason::cancelled, words);
    for (const auto& id : plan.replaced) {
        RunFinished finished;
        finished.run = id;
        finished.state = replaced_state(overlap);
        finished.at = parts_.clock->now();
        finished.message = words;
        Record record = std::move(finished);
        const auto verdict = co_await journal_.record(std::move(record));
        failpoint("room.made");
        if (!verdict) logs::run.error({id, by.job}, "that another run takes its place was not recorded: {}", verdict.error().message);
    }
    turns_.ring(by.job);
}

/// Returns when it is this run's turn, when it is gone, or as `wait` when it was told to stop.
awaitable<Turn> Dispatcher::wait_turn(RunName run, StopToken stop) {
    const auto executor = co_await asio::this_coro::executor;
    Bell bell(executor);
    auto ring = [bell](StopReason) { bell.ring(); };
    const auto registration = stop.on_stop(executor, std::move(ring));
    const Turns::Listening listening(turns_, run.job, bell);
    auto turn = Turn::wait;
    failpoint("turn.waiting");
    while (!stop.requested()) {
        turn = co_await take_turn(run);
        if (turn != Turn::wait) break;
        const bool rung = co_await bell.wait_for(ask_for_turn_every);
        (void)rung;
    }
    co_return turn;
}

/// Begins the run if the ledger lets it. While the ledger cannot be asked, it waits.
awaitable<Turn> Dispatcher::take_turn(RunName run) {
    const auto runs = co_await others_in_flight(run.job);
    if (!runs) co_return Turn::wait;
    const auto turn = turn_of(run.id, *runs);
    if (turn != Turn::begin) co_return turn;
    if (held_) co_return Turn::wait;
    RunBegan began;
    began.run = run.id;
    began.at = parts_.clock->now();
    Record record = std::move(began);
    failpoint("turn.decided");
    const auto verdict = co_await journal_.record(std::move(record));
    failpoint("turn.recorded");
    if (!verdict || *verdict == Verdict::overlaps) co_return Turn::wait;
    co_return *verdict == Verdict::recorded ? Turn::begin : Turn::gone;
}

awaitable<void> Dispatcher::run(RunName run, RunPlan plan, StopToken stop, bool waits) {
    const auto id = run.id;
    const auto expect = plan.expect;
    const StopToken ended;
    const auto executor = co_await asio::this_coro::executor;
    Scope beside(executor);
    auto watch_begin = [this, run, expect, ended]() -> awaitable<void> {
        co_await watch_start(journal_, bus_, *parts_.clock, run, expect, ended);
    };
    if (expect.start_within.count() > 0) beside.spawn(std::move(watch_begin));
    auto turn = Turn::begin;
    if (waits) {
        turn = co_await wait_turn(run, stop);
        set_waits(id, false);
    }
    if (waits) {
        std::string type = turn == Turn::gone ? "run.finished" : "snapshot";
        co_await tell_run(journal_, bus_, id, std::move(type));
    }
    if (turn == Turn::gone) {
        ended.request(StopReason::cancelled);
        co_await beside.join();
        bus_.finish(id);
        forget(id);
        co_return;
    }
    {
        const std::lock_guard lock(shared_.mutex);
        shared_.starts.change(plan.catalog->settings.starts_per_second);
    }
    const bool waited_for = plan.made_up || plan.catalog->followers.contains(run.job);
    const auto job = run.job;
    auto watch = [this, run, expect, ended]() -> awaitable<void> {
        co_await watch_overdue(journal_, bus_, run, expect, ended);
    };
    if (expect.finish_within.count() > 0 || expect.longer_than_usual > 0) beside.spawn(std::move(watch));
    {
        // One that was told to stop while it waited ends here too: the runner dials nothing then, and records its end.
        Runner runner(parts_, journal_, bus_, shared_, turns_, std::move(run), std::move(plan), stop);
        co_await runner.go();
    }
    ended.request(StopReason::cancelled);
    co_await beside.join();
    forget(id);
    failpoint("finish.forgotten");
    if (waited_for) when_ended(job);
}

void Dispatcher::set_waits(const std::string& id, bool waits) {
    const std::lock_guard lock(mutex_);
    auto& live = live_.at(id);
    live.waits = waits;
    if (waits && settling_) live.stop.request(StopReason::shutdown);
}

void Dispatcher::forget(const std::string& id) {
    std::string job;
    {
        const std::lock_guard lock(mutex_);
        const auto run = live_.find(id);
        job = run->second.job;
        jobs_.erase(jobs_.find(job));
        live_.erase(run);
    }
    turns_.ring(job);
}

awaitable<bool> Dispatcher::record_not_run(std::string job, Instant due, RunState state, std::string why,
                                           std::string catalog) {
    Run row;
    row.job = std::move(job);
    row.due = due;
    row.claim = claim_of(due);
    row.reason = Reason::cron;
    row.state = state;
    row.message = std::move(why);
    row.catalog = std::move(catalog);
    std::vector<std::string> nobody;
    co_return co_await record_not_run(std::move(row), std::move(nobody));
}

awaitable<bool> Dispatcher::record_not_run(Run row, std::vector<std::string> followers, std::optional<Delivery> delivery) {
    const auto now = parts_.clock->now();
    const bool followed = !followers.empty();
    const auto job = row.job;
    const auto state = row.state;
    RunCreated created;
    created.run = std::move(row);
    created.run.id = uuid_v7(now.time_since_epoch().count());
    if (created.run.by.empty()) created.run.by = "schedule";
    created.run.started = now;
    created.run.finished = now;
    created.followers = std::move(followers);
    created.delivery = std::move(delivery);
    Record record = std::move(created);
    failpoint("not_run.decided");
    const auto verdict = co_await journal_.record(std::move(record));
    failpoint("not_run.recorded");
    if (verdict && *verdict == Verdict::recorded) shared_.measures.count_end(job, state, now, now);
    if (verdict && followed) when_ended(job);
    co_return verdict.has_value();
}

awaitable<std::optional<Cause>> Dispatcher::look_for(Node node, Timeouts timeout, StopToken stop) {
    const auto socket = co_await shared_.descriptors.acquire(stop);
    std::function<void(Phase)> nobody;
    auto connected = co_await parts_.connector->connect(std::move(node), timeout, stop, std::move(nobody));
    if (!connected.remote) co_return connected.unreached.cause;
    co_await connected.remote->close();
    co_return std::nullopt;
}

void Dispatcher::measure(EngineMeasures& into) const {
    into.runs = &shared_.measures;
    into.sockets = parts_.descriptors;
    into.sockets_held = shared_.descriptors.held();
    const std::lock_guard lock(mutex_);
    for (const auto& [id, live] : live_) ++(live.waits ? into.waiting : into.running);
}

bool Dispatcher::in_flight(const std::string& job) const {
    const std::lock_guard lock(mutex_);
    return jobs_.contains(job);
}

bool Dispatcher::has(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return live_.contains(id);
}

bool Dispatcher::stop(const std::string& id, StopReason reason, std::string words) {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(id);
    return found != live_.end() && (found->second.stop.request(reason, std::move(words)), true);
}

void Dispatcher::stop_all(StopReason reason) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [id, live] : live_) live.stop.request(reason);
}

awaitable<void> Dispatcher::settle(Milliseconds most, StopToken hurry) {
    const auto executor = co_await asio::this_coro::executor;
    held_ = true;
    {
        const std::lock_guard lock(mutex_);
        settling_ = true;
        for (auto& [id, live] : live_)
            if (live.waits) live.stop.request(StopReason::shutdown);
    }
    auto end = [this](StopReason) { stop_all(StopReason::shutdown); };
    if (most.count() <= 0) end(StopReason::shutdown);
    const auto registration = hurry.on_stop(executor, end);
    const Deadline deadline(executor, most, [end] { end(StopReason::timed_out); });
    co_await join();
}

awaitable<void> Dispatcher::join() {
    auto join = [this]() -> awaitable<void> { co_await runs_.join(); };
    std::function<awaitable<void>()> work = std::ref(join);
    co_await run_on(runs_.executor(), work);
}

} // namespace loom
