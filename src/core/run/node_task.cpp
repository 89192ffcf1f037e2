#include "core/run/node_task.hpp"

#include "core/async/deadline.hpp"
#include "core/schedule/retry.hpp"
#include "core/task/placeholders.hpp"

#include <random>

namespace loom {
namespace {

/// A node that does not even answer the connect for this long stops counting against `parallel`.
constexpr std::chrono::seconds silent_connect{1};

double jitter() {
    thread_local std::mt19937 random{std::random_device{}()};
    return std::uniform_real_distribution<>(0, 1)(random);
}

Outcome stopped(StopReason reason) {
    Outcome outcome;
    outcome.state = reason == StopReason::cancelled   ? NodeState::cancelled
                    : reason == StopReason::timed_out ? NodeState::timed_out
                                                      : NodeState::interrupted;
    outcome.message = reason == StopReason::cancelled   ? "cancelled"
                      : reason == StopReason::timed_out ? "the run's deadline passed"
                                                        : "Loom was stopped";
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

/// One try: the socket is counted, the place given back while the node is silent.
awaitable<Connected> connect_once(NodeWork& work, Slots::Hold& place, Slots::Hold& socket) {
    const auto executor = co_await asio::this_coro::executor;
    if (!socket) socket = co_await work.descriptors->acquire(work.stop);
    std::optional<Deadline> silent;
    auto entered = [&](Phase phase) {
        if (phase == Phase::connect) silent.emplace(executor, silent_connect, [&place] { place.release(); });
        else silent.reset();
    };
    std::function<void(Phase)> on_phase = std::ref(entered);
    co_return co_await work.parts->connector->connect(work.node, work.timeout, work.stop, std::move(on_phase));
}

/// Tells what the connection says of the run's width. A node that never answers says nothing: it may be dead.
void note_strain(Strain& strain, const Connected& connected, int tries) {
    const bool dropped = !connected.remote && connected.unreached.cause == Cause::handshake;
    if (connected.remote) ++strain.arrived;
    if (dropped || (connected.remote && tries > 1)) ++strain.strained;
}

/// Tries until the policy gives up. A null remote comes with the outcome.
awaitable<std::unique_ptr<Remote>> reach(NodeWork& work, Slots::Hold& place, Slots::Hold& socket, NodeDone& done) {
    for (int tries = 1;; ++tries) {
        if (!place) place = co_await work.parallel->acquire(work.stop);
        if (work.stop.requested()) {
            done.outcome = stopped(work.stop.reason());
            co_return nullptr;
        }
        ++done.attempts;
        auto connected = co_await connect_once(work, place, socket);
        done.tried = std::move(connected.tried);
        note_strain(*work.strain, connected, tries);
        if (connected.remote) co_return std::move(connected.remote);
        socket.release();
        const auto wait = next_attempt(work.retry, tries, connected.unreached.retry, jitter());
        if (!wait || work.stop.requested()) {
            done.outcome = as_outcome(std::move(connected.unreached));
            co_return nullptr;
        }
        place.release();
        const bool waited = co_await pause_for(*wait, work.stop);
        (void)waited;
    }
}

/// The task once, on a connection of its own.
awaitable<void> run_task(NodeWork& work, const TaskSpec& spec, Slots::Hold& place, NodeDone& done) {
    auto task = work.parts->tasks->make(spec);
    if (!task) {
        done.outcome = failed(task.error().message);
        co_return;
    }
    TaskContext context;
    context.timeout = work.timeout;
    context.node = &work.node;
    context.local = work.parts->local;
    context.stop = work.stop;
    Slots::Hold socket;
    std::unique_ptr<Remote> remote;
    if ((*task)->needs_remote()) {
        remote = co_await reach(work, place, socket, done);
        if (!remote) co_return;
        context.remote = remote.get();
    } else {
        ++done.attempts;
    }
    // A node that became reachable after its silence, or that waited to try again, waits for a place before it works.
    if (!place) place = co_await work.parallel->acquire(work.stop);
    if (work.stop.requested()) done.outcome = stopped(work.stop.reason());
    else done.outcome = co_await (*task)->run(std::move(context));
    if (remote) co_await remote->close();
}

} // namespace

awaitable<NodeDone> run_node_task(NodeWork work, Slots::Hold& place) {
    NodeDone done;
    PlaceholderScope scope;
    scope.run_id = work.run_id;
    scope.run_due = work.run_due;
    scope.job_name = work.job_name;
    scope.node = &work.node;
    const auto spec = expand_task(work.task, scope);
    if (!spec) {
        done.outcome = failed(spec.error().message);
        co_return done;
    }
    for (int runs = 1;; ++runs) {
        co_await run_task(work, *spec, place, done);
        const auto wait = next_task_run(work.retry, runs, done.outcome, jitter());
        if (!wait) break;
        place.release();
        const bool waited = co_await pause_for(*wait, work.stop);
        if (!waited) break; // the run was stopped: that the task failed stays true
    }
    co_return done;
}

} // namespace loom
