#include "ssh/exec.hpp"

#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"
#include "ssh/kill.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

constexpr std::chrono::seconds kill_slack{10};  ///< beyond the grace, for the login shells that the kill starts
constexpr std::chrono::seconds drain_time{1};   ///< for the last output of a command that was ended

void keep(Output& output, std::string_view bytes) {
    const auto kept = std::min(bytes.size(), limits::output_bytes - output.text.size());
    output.text.append(bytes.substr(0, kept));
    output.dropped_bytes += bytes.size() - kept;
}

class Command {
public:
    Command(std::shared_ptr<Session> session, ExecRequest request, StopToken stop)
        : session_(std::move(session)), request_(std::move(request)), stop_(std::move(stop)), channel_(session_) {}

    awaitable<Outcome> run();

private:
    awaitable<bool> begin();
    awaitable<void> finish(long code);
    awaitable<void> end_it();
    awaitable<void> signal_it();
    awaitable<long> drain(Milliseconds time);

    void interrupt(StopReason reason, std::string why);
    long pump();
    bool feed();
    void read_result();
    void stopped(std::string_view what);

    std::shared_ptr<Session> session_;
    ExecRequest request_;
    StopToken stop_;
    Channel channel_;
    Outcome outcome_;
    std::size_t fed_ = 0; ///< of the input
    bool input_ended_ = false;
    StopReason reason_ = StopReason::none;
    std::string why_;
    bool interrupted_ = false;
    bool leave_ = false; ///< pump shall stop at the next moment
    std::optional<Deadline> idle_;
    std::optional<Deadline> kill_limit_; ///< bounds everything after an interruption
};

awaitable<Outcome> Command::run() {
    outcome_.phase = Phase::open;
    auto on_stop = [this](StopReason reason) { interrupt(reason, ""); };
    const auto registration = stop_.on_stop(session_->executor(), std::move(on_stop));
    if (stop_.requested()) {
        interrupt(stop_.reason(), "");
        stopped("before the command was sent");
        co_return std::move(outcome_);
    }
    const Deadline whole(session_->executor(), request_.timeout.command, [this] {
        interrupt(StopReason::timed_out,
                  fmt::format("the command did not end within {}", short_duration(request_.timeout.command)));
    });
    if (!co_await begin()) co_return std::move(outcome_);

    idle_.emplace(session_->executor(), request_.timeout.idle, [this] {
        interrupt(StopReason::timed_out, fmt::format("no output for {}", short_duration(request_.timeout.idle)));
    });
    const long code = co_await session_->call_until([this] { return pump(); }, &leave_);
    idle_.reset();
    co_await finish(code);
    co_return std::move(outcome_);
}

/// Opens the channel and sends the command; false with the outcome set when it does not run.
awaitable<bool> Command::begin() {
    const Deadline answer(session_->executor(), request_.timeout.auth, [this] { session_->kill(); });
    long code = co_await channel_.open();
    if (code == 0 && !interrupted_) {
        outcome_.phase = Phase::command;
        code = co_await channel_.start(request_.command);
        if (code == 0) co_return true;
    }
    if (interrupted_) {
        stopped(outcome_.phase == Phase::open ? "before the command was sent" : "while the command was sent");
    } else if (answer.fired()) {
        outcome_.state = NodeState::timed_out;
        outcome_.message = fmt::format("{} did not answer the request to run a command within {}", session_->peer(),
                                       short_duration(request_.timeout.auth));
    } else if (session_->killed() || session_->ended_by_peer()) {
        outcome_.state = NodeState::lost;
        outcome_.message = fmt::format("connection to {} lost before the command began", session_->peer());
    } else {
        outcome_.state = NodeState::failed;
        outcome_.message = fmt::format("{} refused to run a command: {}", session_->peer(), session_->last_error());
    }
    co_return false;
}

/// One round of everything that can be done without waiting; 0 once the server closed the channel.
long Command::pump() {
    thread_local std::array<char, 32768> scratch;
    for (;;) {
        bool moved = feed();
        for (const int stream : {0, 1}) {
            const long size = channel_.read(stream, scratch);
            if (size < 0 && size != LIBSSH2_ERROR_EAGAIN) return size;
            if (size <= 0) continue;
            keep(stream == 0 ? outcome_.out : outcome_.err, std::string_view(scratch.data(), static_cast<std::size_t>(size)));
            moved = true;
        }
        if (moved) {
            if (idle_) idle_->restart();
            if (leave_) return LIBSSH2_ERROR_EAGAIN; // endless output must not hide the interruption
            continue;
        }
        return channel_.at_eof() ? channel_.wait_closed() : LIBSSH2_ERROR_EAGAIN;
    }
}

/// Sends input, then its end; true when bytes went out. A command that stopped reading is no failure.
bool Command::feed() {
    if (input_ended_ || session_->unsent_bytes() > limits::ssh_send_buffer_bytes) return false;
    if (fed_ < request_.input.size()) {
        const long size = channel_.write(std::string_view(request_.input).substr(fed_));
        if (size > 0) fed_ += static_cast<std::size_t>(size);
        if (size < 0 && size != LIBSSH2_ERROR_EAGAIN) input_ended_ = true;
        return size > 0;
    }
    input_ended_ = channel_.send_eof() != LIBSSH2_ERROR_EAGAIN;
    return false;
}

void Command::interrupt(StopReason reason, std::string why) {
    if (interrupted_) return;
    interrupted_ = leave_ = true;
    reason_ = reason;
    why_ = std::move(why);
    // Before the command is sent there is nothing to end on the node.
    if (outcome_.phase == Phase::open) return session_->kill();
    kill_limit_.emplace(session_->executor(), request_.timeout.grace + kill_slack, [this] { session_->kill(); });
    session_->wake();
}

awaitable<void> Command::finish(long code) {
    if (code == 0) {
        read_result();
    } else if (interrupted_ && !session_->ended_by_peer()) {
        co_await end_it();
    } else if (interrupted_) {
        stopped("the connection was lost, so the command may still run");
    } else {
        outcome_.state = NodeState::lost;
        outcome_.message = fmt::format("connection to {} lost while the command ran", session_->peer());
    }
}

/// End of output and the close were seen; an interruption that came as late as this changes nothing.
void Command::read_result() {
    outcome_.exit_signal = channel_.exit_signal();
    if (!outcome_.exit_signal.empty()) {
        outcome_.state = NodeState::failed;
        outcome_.message = fmt::format("ended by signal {}", outcome_.exit_signal);
        return;
    }
    // libssh2 says 0 where a signal or no status came: the signal was looked at first.
    outcome_.exit_status = channel_.exit_status();
    outcome_.state = *outcome_.exit_status == 0 ? NodeState::ok : NodeState::failed;
    if (outcome_.state != NodeState::ok) outcome_.message = fmt::format("exit status {}", *outcome_.exit_status);
}

/// Ends the remote process group, takes the last output, and records what became of it.
awaitable<void> Command::end_it() {
    auto report = co_await kill_commands(session_, request_.become, request_.timeout.grace);
    if (!report.looked && !request_.become.empty()) // the prefix may be what fails; the login's own reach is better than none
        report = co_await kill_commands(session_, "", request_.timeout.grace);
    if (!report.looked && !session_->killed()) co_await signal_it();
    if (co_await drain(drain_time) == 0) {
        outcome_.exit_signal = channel_.exit_signal();
        if (outcome_.exit_signal.empty()) outcome_.exit_status = channel_.exit_status();
    }
    outcome_.survivors = report.survivors;
    if (!report.looked) stopped("its processes could not be looked for, so the command may still run");
    else if (!report.survivors.empty()) stopped(fmt::format("processes that outlived the kill: {}", report.survivors));
    else stopped("");
}

/// Takes what the command still says, for at most `time`; 0 when its channel closed.
awaitable<long> Command::drain(Milliseconds time) {
    leave_ = false;
    const Deadline enough(session_->executor(), std::max(time, Milliseconds(1)), [this] {
        leave_ = true;
        session_->wake();
    });
    co_return co_await session_->call_until([this] { return pump(); }, &leave_);
}

/// The shortcut for a server that grants no second channel. sshd refuses it to root.
awaitable<void> Command::signal_it() {
    for (const char* name : {"TERM", "KILL"}) {
        const bool sent = co_await channel_.signal(name);
        if (!sent) co_return;
        const long code = co_await drain(request_.timeout.grace);
        if (code != LIBSSH2_ERROR_EAGAIN) co_return;
    }
}

void Command::stopped(std::string_view what) {
    outcome_.state = stopped_state(reason_);
    outcome_.message = why_.empty() ? std::string(what) : why_;
    if (!why_.empty() && !what.empty()) outcome_.message += fmt::format("; {}", what);
}

} // namespace

NodeState stopped_state(StopReason reason) {
    switch (reason) {
    case StopReason::timed_out: return NodeState::timed_out;
    case StopReason::shutdown: return NodeState::interrupted;
    default: return NodeState::cancelled;
    }
}

awaitable<Outcome> run_command(std::shared_ptr<Session> session, ExecRequest request, StopToken stop) {
    Command command(std::move(session), std::move(request), std::move(stop));
    co_return co_await command.run();
}

} // namespace loom
