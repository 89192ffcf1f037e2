#include "app/process/local_shell.hpp"

#include "app/process/child.hpp"
#include "core/async/deadline.hpp"
#include "core/async/scope.hpp"
#include "core/async/slots.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <csignal>
#include <cstring>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace loom {
namespace {

using StreamDescriptor = asio::posix::stream_descriptor;

NodeState state_of(StopReason reason) {
    if (reason == StopReason::cancelled) return NodeState::cancelled;
    return reason == StopReason::timed_out ? NodeState::timed_out : NodeState::interrupted;
}

/// One command from its start to its end. Lives on one strand.
class LocalRun {
public:
    LocalRun(const Executor& strand, const Child& child, ExecRequest request)
        : strand_(strand), pid_(child.pid), request_(std::move(request)), ended_(strand, child.pidfd),
          out_(strand, child.out), err_(strand, child.err), readers_(strand) {
        if (!request_.output) request_.output = std::make_shared<OutputBuffer>();
    }

    awaitable<Outcome> run(StopToken stop) {
        auto stopped = [this](StopReason reason) { end(state_of(reason), "stopped"); };
        const auto registration = stop.on_stop(strand_, std::move(stopped));
        const Deadline command(strand_, request_.timeout.command,
                               [this] { end(NodeState::timed_out, "the command's deadline passed"); });
        Deadline idle(strand_, request_.timeout.idle, [this] { end(NodeState::timed_out, "no output for too long"); });
        idle_ = &idle;
        readers_.spawn([this]() -> awaitable<void> { co_await read(out_, false); });
        readers_.spawn([this]() -> awaitable<void> { co_await read(err_, true); });
        co_await reap();
        // A grandchild may hold the pipes open: what it still writes has the grace to arrive, and no more.
        const Deadline late(strand_, request_.timeout.grace, [this] { close_pipes(); });
        co_await readers_.join();
        killing_.reset();
        idle_ = nullptr;
        request_.output->finish(outcome_);
        co_return std::move(outcome_);
    }

private:
    void end(NodeState state, std::string why) {
        if (killing_) return;
        outcome_.state = state;
        outcome_.message = std::move(why);
        ::kill(-pid_, SIGTERM);
        killing_.emplace(strand_, std::max(request_.timeout.grace, Milliseconds(1)), [this] { ::kill(-pid_, SIGKILL); });
    }

    void close_pipes() {
        error_code ignored;
        out_.close(ignored);
        err_.close(ignored);
    }

    awaitable<void> read(StreamDescriptor& from, bool err) {
        std::array<char, 8192> buffer;
        const auto space = asio::buffer(buffer);
        for (;;) {
            auto [ec, size] = co_await from.async_read_some(space, tup);
            if (ec) co_return;
            if (idle_) idle_->restart();
            request_.output->add(err, std::string_view(buffer.data(), size));
        }
    }

    /// The deadlines above end this wait.
    awaitable<void> reap() {
        auto [ec] = co_await ended_.async_wait(StreamDescriptor::wait_read, tup);
        (void)ec;
        siginfo_t info{};
        ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(ended_.native_handle()), &info, WEXITED);
        outcome_.phase = Phase::command;
        const bool asked = killing_.has_value();
        if (info.si_code == CLD_EXITED) {
            outcome_.exit_status = info.si_status;
            if (!asked) outcome_.state = info.si_status == 0 ? NodeState::ok : NodeState::failed;
        } else {
            const auto* name = ::sigabbrev_np(info.si_status);
            outcome_.exit_signal = name ? name : std::to_string(info.si_status);
            if (!asked) outcome_.state = NodeState::failed;
        }
        // The rest of the group goes with its leader when the end was asked for.
        if (asked) ::kill(-pid_, SIGKILL);
    }

    Executor strand_;
    pid_t pid_;
    ExecRequest request_;
    StreamDescriptor ended_, out_, err_;
    Scope readers_;
    Outcome outcome_;
    std::optional<Deadline> killing_;
    Deadline* idle_ = nullptr;
};

class LocalShellImpl final : public LocalShell {
public:
    LocalShellImpl(Executor executor, std::size_t max_workers) : executor_(std::move(executor)), places_(max_workers) {}

    awaitable<Outcome> run(ExecRequest request, StopToken stop) override {
        Outcome outcome;
        auto place = co_await places_.acquire(stop);
        if (!place) {
            outcome.state = state_of(stop.reason());
            outcome.message = "stopped before the local command began";
            co_return outcome;
        }
        const auto child = start_shell(request.command);
        if (!child) {
            outcome.message = child.error().message;
            co_return outcome;
        }
        const auto strand = make_strand(executor_);
        LocalRun running(strand, *child, std::move(request));
        auto body = [&running, stop]() -> awaitable<Outcome> { co_return co_await running.run(stop); };
        co_return co_await asio::co_spawn(strand, body, asio::use_awaitable);
    }

private:
    Executor executor_;
    Slots places_;
};

} // namespace

std::unique_ptr<LocalShell> create_local_shell(Executor executor, std::size_t max_workers) {
    return std::make_unique<LocalShellImpl>(std::move(executor), max_workers);
}

} // namespace loom
