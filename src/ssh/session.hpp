#pragma once
#include "core/async/deadline.hpp"
#include "core/async/slots.hpp"
#include "core/base/duration.hpp"
#include "core/base/error.hpp"
#include "ssh/known_hosts.hpp"
#include "ssh/session_memory.hpp"
#include "ssh/transport.hpp"

#include <atomic>
#include <libssh2.h>
#include <memory>
#include <optional>
#include <utility>
#include <string>
#include <vector>

namespace loom {

/// One SSH connection. libssh2 never sees the socket: its SEND and RECV callbacks work on two buffers, and a Transport
/// moves the bytes. Lives on one strand. Calls on different channels may go on side by side; calls of the session's own
/// level (opening a channel or a tunnel, starting SFTP) hold `level` meanwhile, as libssh2 keeps their state in the
/// session. Shared, because the transport's handlers may outlive the owner by a turn of the event loop.
class Session : public std::enable_shared_from_this<Session> {
public:
    explicit Session(const Executor& executor);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    /// Connects by TCP. `kill` ends the wait.
    awaitable<error_code> connect(asio::ip::tcp::endpoint endpoint);
    /// Goes on over a connection that stands already; `peer` is for messages.
    error_code use(std::unique_ptr<Transport> transport, std::string peer);

    /// Version exchange and key exchange; `key_types` are the host key types to prefer. Returns libssh2's code.
    awaitable<long> handshake(std::vector<std::string> key_types);

    /// The one drive loop: repeats the libssh2 call `step` until it is no longer LIBSSH2_ERROR_EAGAIN, moving bytes in
    /// between. A call that was begun must be driven to its end before another one of the session's level begins.
    /// While it waits, other coroutines may drive calls of theirs.
    /// `kill`, or a connection that ended, gives LIBSSH2_ERROR_SOCKET_DISCONNECT.
    template <class Step>
    awaitable<long> call(Step step) {
        co_return co_await drive(std::move(step), nullptr);
    }

    /// As `call`, but gives LIBSSH2_ERROR_EAGAIN back once `*interrupted` is set (and `wake` was called). Only for
    /// calls that may be left off: those that read.
    template <class Step>
    awaitable<long> call_until(Step step, const bool* interrupted) {
        co_return co_await drive(std::move(step), interrupted);
    }

    /// Poisons the session: every libssh2 call fails from now on, and whoever waits returns.
    void kill();
    /// Makes the waiting coroutines look again.
    void wake();
    /// Calls `then` once at the next news: bytes, the connection's end, or `kill`.
    void when_news(std::function<void()> then);
    /// Called once when the connection has ended, however; on the strand.
    void when_ended(std::function<void()> then);
    /// The connection has ended. Any thread.
    bool over() const { return over_; }
    /// Keeps reading although no call waits, so that the connection's end is noticed.
    void listen();

    /// Held around calls of the session's own level; empty when `stop` was requested first.
    awaitable<Slots::Hold> level(StopToken stop = {});
    /// Makes a waiting open fail and leaves the session in order: libssh2 gives an open up when receiving fails, and this
    /// failure is one that the connection does not have. For opens that nobody answers; `open` is the call's own step.
    template <class Step>
    long give_up(Step open) {
        giving_up_ = true;
        const long code = open();
        giving_up_ = false;
        return code;
    }

    /// Asks the server for a sign of life at each interval and kills the session after three without any byte.
    void keep_alive(Milliseconds interval);

    /// Opens a channel ahead, for the next one to ask; 0 or libssh2's code.
    awaitable<long> open_spare();
    /// Sends the request for it with what is sent next, and waits for nothing: the next `open_spare` takes the answer. For a
    /// session with one user at a time.
    void ask_spare();
    /// The channel that was opened ahead, or null.
    LIBSSH2_CHANNEL* take_spare() { return std::exchange(spare_, nullptr); }
    LIBSSH2_CHANNEL* spare() const { return spare_; }
    /// It has been opened, or asked for by `ask_spare`.
    bool spare_asked() const { return spare_ || asked_; }
    /// Closes and frees a channel without anybody waiting for the server's part of it. What this sends goes with what is
    /// sent next: the next command's bytes, or the goodbye.
    void abandon(LIBSSH2_CHANNEL* channel);
    /// Sends what libssh2 wants sent, as far as the transport takes it: after a libssh2 call outside of `call`.
    void flush();
    /// The polite ending: tells the server, without waiting for it.
    void disconnect();

    LIBSSH2_SESSION* raw() const { return raw_; }
    const Executor& executor() const { return executor_; }
    bool killed() const { return killed_; }
    /// The server closed or reset the connection.
    bool ended_by_peer() const { return ended_ && !killed_; }
    bool alive() const { return raw_ && !ended_ && !killed_; }
    bool has_input() const { return consumed_ < in_.size(); }
    std::size_t unsent_bytes() const { return out_.size(); }
    const std::string& peer() const { return peer_; } ///< `10.0.0.7:22`
    HostKey host_key() const;
    std::string last_error() const; ///< libssh2's words, copied before the next call changes them

    /// Makes the session small, for a long rest: see SessionMemory.
    void hand_back() { memory_.hand_back(); }

    /// Memory that libssh2 frees.
    void* allocate(std::size_t size) { return memory_.allocate(size); }

    /// What keyboard-interactive prompts are answered with; owned by the caller while it authenticates.
    const std::string* answer = nullptr;

private:
    template <class Step>
    awaitable<long> drive(Step step, const bool* interrupted) {
        const auto self = shared_from_this();
        while (!killed_) {
            const auto before = received_;
            const long code = step();
            flush();
            // The step may have taken in what others wait for.
            if (received_ != before) wake();
            if (code != LIBSSH2_ERROR_EAGAIN) co_return code;
            if (interrupted && *interrupted) co_return code;
            if (ended_) break;
            read_more();
            co_await news();
        }
        co_return LIBSSH2_ERROR_SOCKET_DISCONNECT;
    }

    static ssize_t send_bytes(libssh2_socket_t, const void* bytes, std::size_t size, int, void** self);
    static ssize_t receive_bytes(libssh2_socket_t, void* bytes, std::size_t size, int, void** self);

    static void* allocate_block(std::size_t size, void** self);
    static void* reallocate_block(void* block, std::size_t size, void** self);
    static void release_block(void* block, void** self);

    bool prepare();
    void read_more();
    void readable(error_code ec);
    awaitable<void> news();

    void tidy();
    void end();

    Executor executor_;
    std::unique_ptr<Transport> transport_;
    asio::steady_timer wake_; ///< a condition variable: never expires
    std::vector<std::function<void()>> listeners_;
    std::function<void()> on_end_;
    std::atomic<bool> over_{false};
    Slots level_{1};
    std::optional<Deadline> alive_timer_;
    int silent_rounds_ = 0;
    std::uint64_t received_at_last_round_ = 0;
    SessionMemory memory_;    ///< outlives raw_
    LIBSSH2_SESSION* raw_ = nullptr;
    std::string in_, out_;
    std::size_t consumed_ = 0; ///< of in_
    std::uint64_t received_ = 0; ///< bytes that libssh2 took
    std::uint64_t epoch_ = 0;  ///< grows with everything that may let a call go on
    long try_spare();

    LIBSSH2_CHANNEL* spare_ = nullptr;
    bool asked_ = false;  ///< by ask_spare, and not answered yet
    bool single_ = false; ///< the server has refused a channel: ask for one at a time
    std::vector<LIBSSH2_CHANNEL*> abandoned_;
    bool reading_ = false, writing_ = false, listening_ = false;
    bool giving_up_ = false; ///< receiving fails
    bool ended_ = false;  ///< nothing more will be received
    bool mute_ = false;   ///< nothing more can be sent
    bool killed_ = false;
    std::string peer_;
};

} // namespace loom
