#include "core/run/runner.hpp"

#include "core/async/deadline.hpp"
#include "core/base/counted.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"
#include "core/base/log.hpp"
#include "core/run/json.hpp"
#include "core/run/tell.hpp"
#include "core/run/to_views.hpp"
#include "core/schedule/fan_out.hpp"
#include "core/schedule/width.hpp"

#include <algorithm>
#include <numeric>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Rows of nodes that were skipped which wait for the ledger at once.
constexpr std::size_t skipped_at_once = 1024;

std::optional<RunState> state_when_stopped(StopReason reason) {
    switch (reason) {
    case StopReason::none: return std::nullopt;
    case StopReason::cancelled: return RunState::cancelled;
    case StopReason::timed_out: return RunState::timed_out;
    case StopReason::shutdown: return RunState::interrupted;
    }
    return std::nullopt;
}

std::string log_text(const NodeResult& result) {
    const auto& outcome = result.outcome;
    auto text = fmt::format("--- {} {} {}", to_rfc3339(*result.finished), result.node, to_string(outcome.state));
    if (outcome.exit_status) text += fmt::format(" exit={}", *outcome.exit_status);
    if (!outcome.message.empty()) text += ": " + outcome.message;
    text += '\n';
    for (const auto* output : {&outcome.out, &outcome.err}) {
        text += output->text;
        if (!text.ends_with('\n')) text += '\n';
        if (output->dropped_bytes > 0) text += fmt::format("[{} bytes dropped]\n", output->dropped_bytes);
    }
    return text;
}

} // namespace

Runner::Runner(const EngineParts& parts, Journal& journal, EventBus& bus, SharedLimits& shared, Turns& turns, RunName run,
               RunPlan plan, StopToken stop)
    : parts_(parts), journal_(journal), bus_(bus), shared_(shared), turns_(turns), run_(std::move(run)),
      due_(run_.due ? to_rfc3339(*run_.due) : std::string{}), began_(parts.clock->now()), plan_(std::move(plan)),
      outer_(std::move(stop)), stop_(outer_.child()), strand_(parts.strands.of(run_.id)),
      order_(dial_order(plan_.fan_out.order, plan_.nodes, run_.id)),
      parallel_(std::max<std::size_t>(plan_.fan_out.parallel, 1)), pace_(plan_.fan_out.starts_per_second), nodes_(strand_) {}

awaitable<void> Runner::go() {
    logs::run.debug(about(), "begins on {}", counted(plan_.nodes.size(), "node"));
    auto body = [this]() -> awaitable<void> {
        {
            const Deadline deadline(strand_, plan_.timeout.run, [this] { stop_.request(StopReason::timed_out); });
            const Bell dialled(strand_);
            Scope beside(strand_);
            auto adapting = [this, dialled]() -> awaitable<void> { co_await adapt(dialled); };
            if (plan_.fan_out.parallel_auto) beside.spawn(std::move(adapting));
            if (plan_.fan_out.run_once) co_await dial_until_one_is_reached();
            else co_await dial_waves();
            dialled.ring();
            co_await beside.join();
            co_await nodes_.join();
        }
        co_await finish();
    };
    co_await asio::co_spawn(strand_, body, asio::use_awaitable);
}

bool Runner::halted() {
    const std::lock_guard lock(mutex_);
    return halted_.has_value();
}

void Runner::begin_wave(std::size_t number, std::size_t waves, std::size_t nodes) {
    const std::lock_guard lock(mutex_);
    wave_ = {};
    wave_number_ = number;
    waves_ = waves;
    wave_nodes_ = nodes;
}

awaitable<void> Runner::dial_waves() {
    const auto ends = wave_ends(plan_.fan_out.waves, order_.size());
    std::size_t begin = 0;
    for (std::size_t wave = 0; wave < ends.size() && !halted() && !stop_.requested(); ++wave) {
        begin_wave(wave + 1, ends.size(), ends[wave] - begin);
        if (ends.size() > 1 && bus_.watched(run_.id))
            bus_.publish(run_.id, "wave.started",
                         {{"wave", wave + 1}, {"waves", ends.size()}, {"count", ends[wave] - begin}});
        co_await dial_in_turn(begin, ends[wave]);
        begin = ends[wave];
        // The next wave waits for the last node of this one.
        if (wave + 1 < ends.size()) co_await nodes_.join();
    }
}

awaitable<void> Runner::dial_until_one_is_reached() {
    begin_wave(1, 1, order_.size());
    for (std::size_t i = 0; i < order_.size() && !halted() && !stop_.requested(); ++i) {
        co_await dial_in_turn(i, i + 1);
        co_await nodes_.join();
        if (!ran_ || stop_.requested()) continue;
        std::vector<std::string> why;
        why.push_back("run_once: it ran on " + plan_.nodes[order_[i]]->name);
        co_await skip(i + 1, order_.size(), std::move(why));
        co_await nodes_.join();
        co_return;
    }
}

/// `why` is one for all, or one for each.
awaitable<void> Runner::skip(std::size_t position, std::size_t end, std::vector<std::string> why) {
    for (std::size_t i = position; i < end; ++i) {
        NodeResult result;
        result.index = order_[i];
        result.node = plan_.nodes[result.index]->name;
        result.outcome.state = NodeState::skipped;
        result.outcome.message = why.size() == 1 ? why.front() : why[i - position];
        result.finished = parts_.clock->now();
        auto record = [this, result = std::move(result)]() -> awaitable<void> { co_await record_node(result); };
        nodes_.spawn(std::move(record));
        if (nodes_.live() >= skipped_at_once) co_await nodes_.join();
    }
}

/// Dials these in the order, as places, `starts_per_second` and `stop_when` let it.
awaitable<void> Runner::dial(std::size_t position, std::size_t end) {
    while (position < end) {
        auto seats = co_await take_seats(end - position);
        const auto starts = co_await may_start(seats.size());
        if (starts == 0) co_return;
        seats.erase(seats.begin() + static_cast<std::ptrdiff_t>(starts), seats.end());
        const auto first = order_.begin() + static_cast<std::ptrdiff_t>(position);
        std::vector<std::uint32_t> indices(first, first + static_cast<std::ptrdiff_t>(starts));
        const bool recorded = co_await dial_batch(std::move(indices), std::move(seats));
        if (!recorded) co_return;
        position += starts;
    }
}

/// Waits for one seat and takes what else is free right now; none when the run is to end.
awaitable<std::vector<Seat>> Runner::take_seats(std::size_t most) {
    std::vector<Seat> seats;
    Seat seat;
    seat.socket = co_await shared_.descriptors.acquire(stop_);
    seat.place = co_await parallel_.acquire(stop_);
    while (seat.socket && seat.place) {
        seats.push_back(std::move(seat));
        if (seats.size() == most) break;
        seat.socket = shared_.descriptors.try_acquire();
        seat.place = parallel_.try_acquire();
    }
    co_return seats;
}

/// How many of the wanted may start now, after a wait if need be; none when the run is to end.
awaitable<std::size_t> Runner::may_start(std::size_t wanted) {
    while (wanted > 0 && !halted() && !stop_.requested()) {
        std::chrono::nanoseconds wait{0};
        {
            const auto now = std::chrono::steady_clock::now();
            const std::lock_guard lock(shared_.mutex);
            const auto starts = shared_.starts.ready(now, pace_.ready(now, wanted));
            if (starts > 0) {
                pace_.take(starts);
                shared_.starts.take(starts);
                co_return starts;
            }
            wait = std::max(pace_.wait(), shared_.starts.wait());
        }
        const bool waited = co_await pause_for(wait, stop_);
        (void)waited;
    }
    co_return 0;
}

awaitable<bool> Runner::dial_batch(std::vector<std::uint32_t> indices, std::vector<Seat> seats) {
    std::function<Record()> make = [&] {
        NodesStarted started;
        started.run = run_.id;
        started.indices = indices;
        started.at = parts_.clock->now();
        return Record(std::move(started));
    };
    failpoint("dial.decided");
    const bool recorded = co_await record(std::move(make));
    if (!recorded) co_return false;
    failpoint("dial.recorded");
    {
        const std::lock_guard lock(mutex_);
        started_ += indices.size();
    }
    if (bus_.watched(run_.id))
        bus_.publish(run_.id, "nodes.started", {{"count", indices.size()}, {"counts", counts_now()}});
    for (std::size_t i = 0; i < indices.size(); ++i) {
        // On the node's own strand; what it reports comes back to the run's.
        auto node = [this, index = indices[i], seat = std::move(seats[i])]() mutable -> awaitable<void> {
            co_await run_node(index, std::move(seat));
        };
        nodes_.spawn(parts_.strands.of(plan_.nodes[indices[i]]->name), std::move(node));
    }
    co_return true;
}

/// `parallel: auto`, until everything is dialled.
awaitable<void> Runner::adapt(Bell dialled) {
    const auto most = std::max<std::size_t>(1, std::min(limits::parallel_max, parts_.descriptors));
    auto width = std::min(plan_.fan_out.parallel, most);
    for (;;) {
        const auto due = std::chrono::steady_clock::now() + width_window;
        const bool over = co_await dialled.wait_for(width_window);
        if (over) co_return;
        WidthFeedback seen;
        seen.lag = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - due);
        seen.wanted = parallel_.wanted();
        seen.arrived = strain_.arrived.exchange(0);
        seen.strained = strain_.strained.exchange(0);
        width = next_width(width, seen, most);
        parallel_.resize(width);
        logs::run.debug(about(), "{} nodes at once", width);
    }
}

awaitable<void> Runner::run_node(std::uint32_t index, Seat seat) {
    NodeResult result;
    result.index = index;
    result.node = plan_.nodes[index]->name;
    result.started = parts_.clock->now();
    NodeTap tap(shared_.live, bus_, run_.id, plan_.nodes[index]->name);
    NodeWork work;
    work.parts = &parts_;
    work.tap = &tap;
    work.parallel = &parallel_;
    work.descriptors = &shared_.descriptors;
    work.strain = &strain_;
    work.measures = &shared_.measures;
    work.scope = scope(index);
    work.targets = &plan_.nodes;
    work.plugins = &plan_.catalog->settings.plugins;
    work.task = &plan_.task;
    work.timeout = plan_.timeout;
    work.retry = plan_.retry;
    const bool alone = plan_.node_overlap == Overlap::cancel_other;
    const auto stop = alone ? stop_.child() : stop_;
    work.stop = stop;
    if (alone) turns_.hold(run_.id, result.node, stop);
    auto done = co_await run_node_task(std::move(work), seat);
    failpoint("node.ended");
    if (alone) turns_.release(run_.id, result.node);
    if (done.outcome.state == NodeState::cancelled && done.outcome.message.empty()) done.outcome.message = stop.words();
    if (!done.tried.empty() && bus_.watched(run_.id))
        bus_.publish(run_.id, "node.tried", {{"node", result.node}, {"tried", done.tried}});
    result.outcome = std::move(done.outcome);
    result.attempts = done.attempts;
    if (done.ran) {
        ran_ = true;
        shared_.awaited.reached(result.node);
    }
    result.finished = parts_.clock->now();
    logs::run.debug(about(result.node), "{} in phase {}", to_string(result.outcome.state), to_string(result.outcome.phase));
    judge(result);
    seat = {};
    co_await record_node(std::move(result));
}

/// How many nodes are in each state right now, zeroes left out.
boost::json::object Runner::counts_now() {
    const std::lock_guard lock(mutex_);
    auto counts = counts_;
    auto& queued = counts[static_cast<std::size_t>(NodeState::queued)];
    auto& running = counts[static_cast<std::size_t>(NodeState::running)];
    const auto skipped = counts_[static_cast<std::size_t>(NodeState::skipped)]; // never started
    const auto ended = std::accumulate(counts_.begin(), counts_.end(), std::uint32_t{0});
    running = static_cast<std::uint32_t>(started_) + skipped - ended;
    queued = static_cast<std::uint32_t>(plan_.nodes.size() - started_) - skipped;
    boost::json::object words;
    for (std::size_t state = 0; state < node_states; ++state)
        if (counts[state] > 0) words[to_string(static_cast<NodeState>(state))] = counts[state];
    return words;
}

/// stop_when speaks before another node takes the place. That node's row and this one's result go into one commit then.
void Runner::judge(const NodeResult& result) {
    const std::lock_guard lock(mutex_);
    ++wave_[static_cast<std::size_t>(result.outcome.state)];
    if (!halted_) halted_ = stop_reason(plan_.fan_out.stop_when, wave_, wave_nodes_, wave_number_, waves_);
}

awaitable<void> Runner::record_node(NodeResult result) {
    std::function<Record()> make = [&] {
        NodeFinished finished;
        finished.run = run_.id;
        finished.result = result;
        return Record(std::move(finished));
    };
    failpoint("result.decided");
    const bool recorded = co_await record(std::move(make));
    if (!recorded) co_return;
    shared_.measures.targets[static_cast<std::size_t>(result.outcome.state)][static_cast<std::size_t>(result.outcome.cause)].fetch_add(
        1, std::memory_order_relaxed);
    failpoint("result.recorded");
    // After the record: what room there is on a disk is the ledger's first.
    if (!plan_.log_file.path.empty() && result.outcome.state != NodeState::skipped) write_log(result);
    {
        const std::lock_guard lock(mutex_);
        ++counts_[static_cast<std::size_t>(result.outcome.state)];
    }
    if (plan_.node_overlap != Overlap::allow) turns_.ring(run_.job);
    if (bus_.watched(run_.id))
        bus_.publish(run_.id, "node.finished", {{"result", to_json(to_view(result))}, {"counts", counts_now()}});
}

/// Tries until the ledger takes it; who watches the run is told once that it does not. False: the run was told to end meanwhile.
awaitable<bool> Runner::record(std::function<Record()> make) {
    std::function<void(const Error&)> refused = [this](const Error& error) {
        if (stalled_.exchange(true)) return;
        bus_.publish(run_.id, "run.stalled", {{"message", "the ledger cannot be written, the run stands still until it can: " + error.message}});
    };
    const auto verdict = co_await journal_.insist(std::move(make), outer_, std::move(refused));
    if (verdict) stalled_ = false;
    else logs::run.error(about(), "given up: the ledger could not be written");
    co_return verdict.has_value();
}

PlaceholderScope Runner::scope(std::uint32_t index) const {
    PlaceholderScope scope;
    scope.run_id = run_.id;
    scope.run_due = due_;
    scope.job_name = plan_.checked_job.empty() ? run_.job : plan_.checked_job;
    scope.node = plan_.nodes[index];
    if (!plan_.params.empty()) scope.params = &plan_.params;
    return scope;
}

void Runner::write_log(const NodeResult& result) {
    auto path = expand_path(plan_.log_file.path, scope(result.index));
    if (!path) return logs::run.warn(about(result.node), "log: {}", path.error().message);
    LogEntry entry;
    entry.file = plan_.log_file;
    entry.file.path = std::move(*path);
    entry.text = log_text(result);
    entry.job = run_.job;
    entry.run = run_.id;
    entry.due = due_;
    parts_.job_log->append(std::move(entry));
}

awaitable<void> Runner::finish() {
    const auto reason = stop_.reason();
    EndFacts facts;
    facts.ended = counts_;
    facts.targets = plan_.nodes.size();
    facts.stopped = state_when_stopped(reason);
    facts.stop_message = stop_message(stop_);
    facts.halted = halted_;
    facts.run_once = plan_.fan_out.run_once;
    facts.success_ok = plan_.fan_out.success_ok;
    const auto end = run_end(facts);
    std::function<Record()> make = [&] {
        RunFinished finished;
        finished.run = run_.id;
        finished.state = end.state;
        finished.message = end.message;
        finished.at = parts_.clock->now();
        finished.followers = plan_.catalog->followers_of(run_.job);
        return Record(std::move(finished));
    };
    failpoint("finish.decided");
    const bool recorded = co_await record(std::move(make));
    shared_.measures.count_end(run_.job, end.state, began_, parts_.clock->now());
    const auto told = std::accumulate(facts.ended.begin(), facts.ended.end(), std::uint64_t{0});
    shared_.measures.targets[static_cast<std::size_t>(NodeState::not_started)][0].fetch_add(facts.targets - told, std::memory_order_relaxed);
    failpoint("finish.recorded");
    logs::run.debug(about(), "ended: {}{}{}", to_string(end.state), end.message.empty() ? "" : ": ", end.message);
    if (!recorded) logs::run.error(about(), "its end was not recorded; the next start of Loom does that");
    co_await tell_run(journal_, bus_, run_.id, "run.finished");
    bus_.finish(run_.id);
}

} // namespace loom
