#include "core/run/runner.hpp"

#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"
#include "core/run/json.hpp"
#include "core/run/to_views.hpp"
#include "core/task/placeholders.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace loom {
namespace {

std::size_t parallel_of(const RunPlan& plan) {
    return std::clamp<std::size_t>(plan.parallel == 0 ? limits::parallel_default : plan.parallel, 1, limits::parallel_max);
}

RunState state_when_stopped(StopReason reason) {
    if (reason == StopReason::cancelled) return RunState::cancelled;
    return reason == StopReason::timed_out ? RunState::timed_out : RunState::interrupted;
}

/// Whether the stop ended any node; a stop that came after the last result changes nothing.
bool stop_took_effect(const Counts& counts, std::size_t targets, StopReason reason) {
    std::size_t ended = 0;
    for (const auto count : counts) ended += count;
    const auto state = reason == StopReason::cancelled   ? NodeState::cancelled
                       : reason == StopReason::timed_out ? NodeState::timed_out
                                                         : NodeState::interrupted;
    return ended < targets || counts[static_cast<std::size_t>(state)] > 0;
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

Runner::Runner(const EngineParts& parts, Journal& journal, EventBus& bus, Slots& descriptors, Run run, RunPlan plan,
               StopToken stop)
    : parts_(parts), journal_(journal), bus_(bus), descriptors_(descriptors), run_(std::move(run)),
      plan_(std::move(plan)), stop_(std::move(stop)), strand_(make_strand(parts.executor)),
      parallel_(parallel_of(plan_)), nodes_(strand_) {}

awaitable<void> Runner::go() {
    auto body = [this]() -> awaitable<void> {
        {
            const Deadline deadline(strand_, plan_.timeout.run, [this] { stop_.request(StopReason::timed_out); });
            co_await dial_all();
            co_await nodes_.join();
        }
        co_await finish();
    };
    co_await asio::co_spawn(strand_, body, asio::use_awaitable);
}

bool Runner::store_failed() {
    const std::lock_guard lock(mutex_);
    return !store_error_.empty();
}

awaitable<void> Runner::dial_all() {
    const auto targets = static_cast<std::uint32_t>(plan_.nodes.size());
    std::uint32_t next = 0;
    while (next < targets && !store_failed()) {
        std::vector<Slots::Hold> places;
        auto place = co_await parallel_.acquire(stop_);
        if (!place) break;
        std::vector<std::uint32_t> indices;
        while (place) {
            indices.push_back(next++);
            places.push_back(std::move(place));
            if (next == targets) break;
            place = parallel_.try_acquire();
        }
        const bool recorded = co_await dial_batch(std::move(indices), std::move(places));
        if (!recorded) break;
    }
}

awaitable<bool> Runner::dial_batch(std::vector<std::uint32_t> indices, std::vector<Slots::Hold> places) {
    NodesStarted started;
    started.run = run_.id;
    started.indices = indices;
    started.at = parts_.clock->now();
    Record record = std::move(started);
    const auto verdict = co_await journal_.record(std::move(record));
    if (!verdict) {
        const std::lock_guard lock(mutex_);
        store_error_ = verdict.error().message;
        co_return false;
    }
    if (bus_.watched(run_.id)) bus_.publish(run_.id, "nodes.started", {{"count", indices.size()}});
    for (std::size_t i = 0; i < indices.size(); ++i) {
        // Each node has a strand of its own; what it reports comes back to the run's.
        auto node = [this, index = indices[i], place = std::move(places[i])]() mutable -> awaitable<void> {
            co_await run_node(index, std::move(place));
        };
        nodes_.spawn(make_strand(parts_.executor), std::move(node));
    }
    co_return true;
}

awaitable<void> Runner::run_node(std::uint32_t index, Slots::Hold place) {
    NodeResult result;
    result.index = index;
    result.node = run_.targets[index];
    result.started = parts_.clock->now();
    NodeWork work;
    work.parts = &parts_;
    work.parallel = &parallel_;
    work.descriptors = &descriptors_;
    work.node = *plan_.nodes[index];
    work.task = plan_.task;
    work.run_id = run_.id;
    work.run_due = run_.due ? to_rfc3339(*run_.due) : std::string{};
    work.job_name = run_.job;
    work.timeout = plan_.timeout;
    work.retry = plan_.retry;
    work.stop = stop_;
    auto done = co_await run_node_task(std::move(work), std::move(place));
    result.outcome = std::move(done.outcome);
    result.attempts = done.attempts;
    result.finished = parts_.clock->now();
    co_await record_node(std::move(result));
}

awaitable<void> Runner::record_node(NodeResult result) {
    if (!plan_.log_file.empty()) write_log(result);
    NodeFinished finished;
    finished.run = run_.id;
    finished.result = result;
    Record record = std::move(finished);
    const auto verdict = co_await journal_.record(std::move(record));
    {
        const std::lock_guard lock(mutex_);
        if (verdict) ++counts_[static_cast<std::size_t>(result.outcome.state)];
        else store_error_ = verdict.error().message;
    }
    if (!verdict) spdlog::error("{}: the result of {} was not recorded: {}", run_.id, result.node, verdict.error().message);
    else if (bus_.watched(run_.id)) bus_.publish(run_.id, "node.finished", to_json(to_view(result)).as_object());
}

void Runner::write_log(const NodeResult& result) {
    PlaceholderScope scope;
    scope.run_id = run_.id;
    scope.run_due = run_.due ? to_rfc3339(*run_.due) : std::string{};
    scope.job_name = run_.job;
    scope.node = plan_.nodes[result.index];
    auto path = expand_path(plan_.log_file, scope);
    if (path) parts_.job_log->append(std::move(*path), log_text(result));
    else spdlog::warn("{}: log: {}", run_.job, path.error().message);
}

awaitable<void> Runner::finish() {
    RunFinished finished;
    finished.run = run_.id;
    finished.at = parts_.clock->now();
    const auto reason = stop_.reason();
    if (!store_error_.empty()) {
        finished.state = RunState::interrupted;
        finished.message = "the ledger could not be written: " + store_error_;
    } else if (reason != StopReason::none && stop_took_effect(counts_, plan_.nodes.size(), reason)) {
        finished.state = state_when_stopped(reason);
        finished.message = reason == StopReason::cancelled   ? "cancelled"
                           : reason == StopReason::timed_out ? "the run's deadline passed"
                                                             : "Loom was stopped";
    } else {
        finished.state = sum_state(counts_);
    }
    Record record = std::move(finished);
    const auto verdict = co_await journal_.record(std::move(record));
    if (!verdict) spdlog::error("{}: its end was not recorded: {}", run_.id, verdict.error().message);
    if (bus_.watched(run_.id)) {
        auto ask = [id = run_.id](RunStore& store) { return store.run(id); };
        const auto stored = co_await journal_.read(std::move(ask));
        if (stored) bus_.publish(run_.id, "run.finished", to_json(to_view(*stored)).as_object());
    }
    bus_.finish(run_.id);
}

} // namespace loom
