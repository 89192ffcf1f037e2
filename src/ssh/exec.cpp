#include "ssh/exec.hpp"

#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"
#include "ssh/channel.hpp"
#include "ssh/command_text.hpp"
#include "ssh/kill.hpp"
#include "ssh/opening.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

constexpr std::chrono::seconds drain_time{2}; ///< for the last output of a command that was ended
constexpr std::chrono::seconds birth_time{2}; ///< for a command that is stopped before its shell has told who it is

/// On a terminal ^D is the end of file; within a line it has to be said twice.
std::string typed(std::string input) {
    input += input.empty() || input.ends_with('\n') ? "\x04" : "\x04\x04";
    return input;
}

class Command {
public:
    Command(std::shared_ptr<Session> session, ExecRequest request, StopToken stop, WhenStopped when_stopped)
        : session_(std::move(session)), request_(std::move(request)), stop_(std::move(stop)), when_stopped_(when_stopped),
          mark_(new_mark()), opening_(mark_, request_.become.has_value()), channel_(session_) {
        if (request_.pty) request_.input = typed(std::move(request_.input));
        if (!request_.output) request_.output = std::make_shared<OutputBuffer>();
    }

    awaitable<Outcome> run();

private:
    awaitable<bool> begin();
    awaitable<void> finish(long code);
    awaitable<void> end_it();
    awaitable<KillReport> kill_it();
    awaitable<void> signal_it();
    awaitable<long> drain(Milliseconds time, bool until_born = false);

    void interrupt(StopReason reason, std::string why);
    long pump();
    bool feed();
    bool send(const std::string& bytes, std::size_t& sent);
    void take(bool err, std::string_view bytes);
    void answer_sudo();
    void give_up();
    void read_result();
    void stopped(std::string_view what);

    bool asks() const { return request_.become && !request_.become->password.empty(); }
    /// Whether the node has told which processes are the command's: what runs through sudo can say so before it is read here.
    bool born() const { return opening_.leader() != 0 && (!request_.become || opening_.began()); }
    bool opening_is_err() const { return !request_.pty; } ///< the stream in which the opening comes

    std::shared_ptr<Session> session_;
    ExecRequest request_;
    StopToken stop_;
    WhenStopped when_stopped_;
    std::string mark_;
    Opening opening_;
    Channel channel_;
    Outcome outcome_;
    Secret answer_; ///< to sudo, before the input
    std::size_t answered_ = 0, fed_ = 0;
    bool refused_ = false;  ///< sudo did not take the password
    bool given_up_ = false; ///< the input ends here
    bool input_ended_ = false;
    StopReason reason_ = StopReason::none;
    std::string why_;
    bool interrupted_ = false;
    bool leave_ = false; ///< pump shall stop at the next moment
    std::optional<Deadline> idle_, sudo_;
    std::optional<Deadline> open_limit_; ///< bounds the wait for the channel after an interruption
};

awaitable<Outcome> Command::run() {
    outcome_.phase = Phase::open;
    auto on_stop = [this](StopReason reason) { interrupt(reason, ""); };
    const auto registration = stop_.on_stop(session_->executor(), std::move(on_stop));
    if (stop_.requested()) {
        reason_ = stop_.reason();
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
    if (asks())
        sudo_.emplace(session_->executor(), request_.timeout.auth, [this] {
            interrupt(StopReason::timed_out, fmt::format("sudo neither asked for the password nor began the command within {}",
                                                         short_duration(request_.timeout.auth)));
        });
    const Deadline rest(session_->executor(), limits::session_rest, [this] { session_->hand_back(); });
    const long code = co_await session_->call_until([this] { return pump(); }, &leave_);
    idle_.reset();
    sudo_.reset();
    co_await finish(code);
    request_.output->add(opening_is_err(), opening_.finish());
    request_.output->finish(outcome_);
    co_return std::move(outcome_);
}

/// Opens the channel and sends the command; false with the outcome set when it does not run.
awaitable<bool> Command::begin() {
    const Deadline answer(session_->executor(), request_.timeout.auth, [this] { session_->kill(); });
    long code = co_await channel_.open();
    if (code == 0 && request_.pty && !interrupted_) code = co_await channel_.request_terminal();
    if (code == 0 && !interrupted_) {
        outcome_.phase = Phase::command;
        code = co_await channel_.start(command_text(request_, mark_));
        if (code == 0) co_return true;
    }
    const auto reason = session_->last_error();
    if (interrupted_) {
        stopped(outcome_.phase == Phase::open ? "before the command was sent" : "while the command was sent");
    } else if (answer.fired()) {
        outcome_.state = NodeState::timed_out;
        outcome_.message = fmt::format("{} did not answer the request to run a command within {}", session_->peer(),
                                       short_duration(request_.timeout.auth));
    } else if (session_->killed() || session_->ended_by_peer()) {
        outcome_.state = NodeState::lost;
        outcome_.message = fmt::format("connection to {} lost before the command began", session_->peer());
    } else if (code == LIBSSH2_ERROR_CHANNEL_FAILURE || code == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
        outcome_.state = NodeState::failed;
        outcome_.message = fmt::format("{} refused to run a command: {}", session_->peer(), reason);
    } else { // what came was no answer, such as a packet whose authentication code is wrong
        outcome_.state = NodeState::lost;
        outcome_.message = fmt::format("connection to {} broke before the command began: {}", session_->peer(), reason);
    }
    co_return false;
}

/// One round of everything that can be done without waiting; 0 once the server closed the channel.
long Command::pump() {
    thread_local std::array<char, 32768> scratch;
    for (;;) {
        bool moved = false;
        for (const bool err : {false, true}) {
            const long size = channel_.read(err, scratch);
            if (size < 0 && size != LIBSSH2_ERROR_EAGAIN) return size;
            if (size <= 0) continue;
            take(err, std::string_view(scratch.data(), static_cast<std::size_t>(size)));
            moved = true;
        }
        // After the reading: a command that has ended already wants neither input nor its end.
        if (!channel_.at_eof() && feed()) moved = true;
        if (moved) {
            if (idle_) idle_->restart();
            if (leave_) return LIBSSH2_ERROR_EAGAIN; // endless output must not hide the interruption
            continue;
        }
        return channel_.at_eof() ? channel_.wait_closed() : LIBSSH2_ERROR_EAGAIN;
    }
}

void Command::take(bool err, std::string_view bytes) {
    auto& output = *request_.output;
    if (opening_.began() || err != opening_is_err()) return output.add(err, bytes);
    output.add(err, opening_.take(bytes));
    if (opening_.began()) sudo_.reset();
    else answer_sudo();
}

/// The first prompt gets the password, a second one means that it was wrong.
void Command::answer_sudo() {
    if (!asks() || refused_ || interrupted_) return; // what has not begun by now shall not
    if (opening_.prompts() > 1) {
        refused_ = true;
        give_up();
    } else if (opening_.prompts() == 1 && answer_.empty()) {
        answer_ = Secret(request_.become->password.reveal() + '\n');
    }
}

/// The end of file in place of an answer: sudo ends for it.
void Command::give_up() {
    given_up_ = true;
    if (!request_.pty) return;
    answer_ = Secret("\x04");
    answered_ = 0;
}

/// Sends input, then its end; true when bytes went out. A command that stopped reading is no failure.
bool Command::feed() {
    if (input_ended_ || session_->unsent_bytes() > limits::ssh_send_buffer_bytes) return false;
    if (answered_ < answer_.reveal().size()) return send(answer_.reveal(), answered_);
    if (!given_up_) {
        if (asks() && !opening_.began()) return false; // sudo would take it for the password
        if (fed_ < request_.input.size()) return send(request_.input, fed_);
        // The end of this stream is how the node learns that the connection is gone; a terminal has its own.
        if (request_.pty || request_.end_with_link) return false;
    }
    input_ended_ = channel_.send_eof() != LIBSSH2_ERROR_EAGAIN;
    return false;
}

bool Command::send(const std::string& bytes, std::size_t& sent) {
    const long size = channel_.write(std::string_view(bytes).substr(sent));
    if (size > 0) sent += static_cast<std::size_t>(size);
    if (size < 0 && size != LIBSSH2_ERROR_EAGAIN) input_ended_ = true;
    return size > 0;
}

void Command::interrupt(StopReason reason, std::string why) {
    if (interrupted_) return;
    interrupted_ = leave_ = true;
    reason_ = reason;
    why_ = std::move(why);
    // A channel that is being opened cannot be left off, and others may use the connection: it has the grace to answer.
    if (outcome_.phase == Phase::open)
        open_limit_.emplace(session_->executor(), std::max(request_.timeout.grace, Milliseconds(1)),
                            [this] { session_->kill(); });
    session_->wake();
}

awaitable<void> Command::finish(long code) {
    if (code == 0) {
        read_result();
    } else if (interrupted_ && when_stopped_ == WhenStopped::leave_it) {
        stopped("");
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
    request_.output->add(opening_is_err(), opening_.finish());
    if (!outcome_.exit_signal.empty()) {
        outcome_.state = NodeState::failed;
        outcome_.message = fmt::format("ended by signal {}", outcome_.exit_signal);
        return;
    }
    // libssh2 says 0 where a signal or no status came: the signal was looked at first.
    outcome_.exit_status = channel_.exit_status();
    if (request_.become && !opening_.began()) {
        outcome_.state = NodeState::failed;
        const auto why = [&](std::string_view out, std::string_view err) { return why_sudo_failed(refused_, opening_is_err() ? err : out); };
        outcome_.message = request_.output->look(why);
        return;
    }
    outcome_.state = *outcome_.exit_status == 0 ? NodeState::ok : NodeState::failed;
}

/// Ends the command's processes, takes the last output, and records what became of it.
awaitable<void> Command::end_it() {
    if (!born()) co_await drain(birth_time, true);
    const auto report = co_await kill_it();
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

awaitable<KillReport> Command::kill_it() {
    KillTarget target;
    target.mark = mark_;
    target.leader = opening_.leader();
    target.inner = opening_.inner();
    ExecRequest how;
    how.timeout = request_.timeout;
    how.pty = request_.pty;
    if (request_.become && opening_.began()) {
        how.become = request_.become;
        const auto report = co_await kill_command(session_, target, how);
        if (report.looked || session_->killed()) co_return report;
        how.become.reset();
    }
    // Where sudo has not begun the command, or does not begin the kill, the login's own reach is better than none.
    if (request_.become) give_up();
    co_return co_await kill_command(session_, target, how);
}

/// Takes what the command still says, for at most `time` (or until its processes can be told from others); 0 when its
/// channel closed.
awaitable<long> Command::drain(Milliseconds time, bool until_born) {
    leave_ = false;
    const Deadline enough(session_->executor(), std::max(time, Milliseconds(1)), [this] {
        leave_ = true;
        session_->wake();
    });
    auto step = [this, until_born] {
        const long code = pump();
        return code == LIBSSH2_ERROR_EAGAIN && until_born && born() ? 1 : code;
    };
    co_return co_await session_->call_until(std::move(step), &leave_);
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

awaitable<Outcome> run_command(std::shared_ptr<Session> session, ExecRequest request, StopToken stop,
                               WhenStopped when_stopped) {
    Command command(std::move(session), std::move(request), std::move(stop), when_stopped);
    co_return co_await command.run();
}

} // namespace loom
