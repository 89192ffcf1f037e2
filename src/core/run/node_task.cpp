#include "core/run/node_task.hpp"

#include "core/async/deadline.hpp"
#include "core/async/offload.hpp"
#include "core/base/failpoint.hpp"
#include "core/schedule/retry.hpp"

#include <random>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// A node that does not even answer the connect for this long stops counting against `parallel`.
constexpr std::chrono::seconds silent_connect{1};

double jitter() {
    thread_local std::mt19937 random{std::random_device{}()};
    return std::uniform_real_distribution<>(0, 1)(random);
}

Outcome stopped(const StopToken& stop) {
    const auto reason = stop.reason();
    Outcome outcome;
    outcome.state = reason == StopReason::cancelled   ? NodeState::cancelled
                    : reason == StopReason::timed_out ? NodeState::timed_out
                                                      : NodeState::interrupted;
    outcome.message = stop_message(stop);
    return outcome;
}

Outcome as_outcome(Unreached unreached) {
    Outcome outcome;
    outcome.state = unreached.state;
    outcome.cause = unreached.cause;
    outcome.phase = unreached.phase;
    outcome.message = std::move(unreached.message);
    return outcome;
}

Outcome failed(std::string message) {
    Outcome outcome;
    outcome.message = std::move(message);
    return outcome;
}

awaitable<Result<std::string>> read_task_file(const EngineParts& parts, std::string path) {
    auto read = [from = parts.read_file, path = std::move(path)]() -> Result<std::string> {
        if (!from) return Error{Errc::config, "this process reads no files"};
        return from(path);
    };
    co_return co_await offload(parts.blocking_executor, std::move(read));
}

/// What is missing of the seat, the socket first.
awaitable<void> sit_down(NodeWork& work, Seat& seat) {
    if (!seat.socket) {
        seat.place.release();
        seat.socket = co_await work.descriptors->acquire(work.stop);
    }
    if (!seat.place) seat.place = co_await work.parallel->acquire(work.stop);
}

/// One try: the place is given back while the node is silent.
awaitable<Connected> connect_once(NodeWork& work, Seat& seat) {
    const auto executor = co_await asio::this_coro::executor;
    std::optional<Deadline> silent;
    auto entered = [&](Phase phase) {
        if (phase == Phase::connect) silent.emplace(executor, silent_connect, [&seat] { seat.place.release(); });
        else silent.reset();
        if (work.tap) work.tap->entered(phase);
    };
    std::function<void(Phase)> on_phase = std::ref(entered);
    co_return co_await work.parts->connector->connect(*work.scope.node, work.timeout, work.stop, std::move(on_phase));
}

/// Tells what the connection says of the run's width. A node that never answers says nothing: it may be dead.
void note_strain(Strain& strain, const Connected& connected, int tries) {
    const bool dropped = !connected.remote && connected.unreached.cause == Cause::handshake;
    if (connected.remote) ++strain.arrived;
    if (dropped || (connected.remote && tries > 1)) ++strain.strained;
}

/// Tries until the policy gives up. A null remote comes with the outcome.
awaitable<std::unique_ptr<Remote>> reach(NodeWork& work, Seat& seat, NodeDone& done) {
    for (int tries = 1;; ++tries) {
        co_await sit_down(work, seat);
        if (work.stop.requested()) {
            done.outcome = stopped(work.stop);
            co_return nullptr;
        }
        ++done.attempts;
        failpoint("node.connecting");
        auto connected = co_await connect_once(work, seat);
        done.tried = std::move(connected.tried);
        note_strain(*work.strain, connected, tries);
        const auto cause = connected.remote ? Cause::none : connected.unreached.cause;
        if (connected.remote || cause != Cause::none)
            work.measures->connects[static_cast<std::size_t>(cause)].fetch_add(1, std::memory_order_relaxed);
        if (connected.remote) co_return std::move(connected.remote);
        seat.socket.release();
        const auto wait = next_attempt(work.retry, tries, connected.unreached.retry, jitter());
        if (!wait || work.stop.requested()) {
            done.outcome = as_outcome(std::move(connected.unreached));
            co_return nullptr;
        }
        seat.place.release();
        const bool waited = co_await pause_for(*wait, work.stop);
        (void)waited;
    }
}

TaskContext context_of(const NodeWork& work) {
    TaskContext context;
    context.timeout = work.timeout;
    context.node = work.scope.node;
    context.local = work.parts->local;
    context.plugins = work.parts->plugins;
    context.of = {work.scope.run_id, work.scope.job_name, work.scope.run_due, work.targets};
    context.connector = work.parts->connector;
    context.scope = &work.scope;
    context.read_file = [parts = work.parts](std::string path) { return read_task_file(*parts, std::move(path)); };
    context.stop = work.stop;
    return context;
}

/// Why the task does nothing on the node; nothing: it does.
std::optional<std::string> passes_over(const Task& task, const TaskSpec& spec, const Node& node) {
    if (spec.check && !task.can_check()) return fmt::format("{} cannot tell what it would do", spec.name);
    return task.passes_over(node);
}

/// The task once, on a connection of its own. False: it did not come to that, and the outcome says why.
awaitable<bool> run_task(NodeWork& work, const TaskSpec& spec, Seat& seat, NodeDone& done) {
    auto task = work.parts->tasks->make(spec, *work.plugins);
    if (!task) {
        done.outcome = failed(task.error().message);
        co_return false;
    }
    if (auto why = passes_over(**task, spec, *work.scope.node)) {
        done.outcome.state = NodeState::skipped;
        done.outcome.message = std::move(*why);
        co_return false;
    }
    auto context = context_of(work);
    std::unique_ptr<Remote> remote;
    if ((*task)->needs_remote()) {
        remote = co_await reach(work, seat, done);
        if (!remote) co_return false;
        context.remote = remote.get();
    } else {
        seat.socket.release(); // a command of this host's own
        ++done.attempts;
    }
    // A node that became reachable after its silence, or that waited to run again, waits for a place before it works.
    if (!seat.place) seat.place = co_await work.parallel->acquire(work.stop);
    const bool runs = !work.stop.requested();
    failpoint("node.running");
    if (work.tap) {
        context.output = work.tap->begin(done.attempts);
        work.tap->entered(Phase::command);
    }
    if (runs) done.outcome = co_await (*task)->run(std::move(context));
    else done.outcome = stopped(work.stop);
    if (remote) co_await remote->close();
    co_return runs;
}

} // namespace

std::string stop_message(const StopToken& stop) {
    if (auto words = stop.words(); !words.empty()) return words;
    const auto reason = stop.reason();
    if (reason == StopReason::cancelled) return "cancelled";
    return reason == StopReason::timed_out ? "the run's deadline passed" : "Loom was stopped";
}

awaitable<NodeDone> run_node_task(NodeWork work, Seat& seat) {
    NodeDone done;
    const auto spec = expand_task(*work.task, work.scope);
    if (!spec) {
        done.outcome = failed(spec.error().message);
        co_return done;
    }
    for (int runs = 1;; ++runs) {
        auto before = done.outcome;
        const bool ran = co_await run_task(work, *spec, seat, done);
        seat.socket.release();
        done.ran = done.ran || ran;
        if (!ran && runs > 1) { // refused a connection, or stopped: how the task had ended stays true
            done.outcome = std::move(before);
            break;
        }
        const auto wait = next_task_run(work.retry, runs, done.outcome, jitter());
        if (!wait) break;
        seat.place.release();
        const bool waited = co_await pause_for(*wait, work.stop);
        if (!waited) break; // the run was stopped: that the task failed stays true
    }
    co_return done;
}

} // namespace loom
