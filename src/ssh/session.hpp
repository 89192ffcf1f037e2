#pragma once
#include "core/async/asio.hpp"
#include "core/base/error.hpp"
#include "ssh/known_hosts.hpp"
#include "ssh/session_memory.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <libssh2.h>
#include <memory>
#include <string>
#include <vector>

namespace loom {

/// One SSH connection. libssh2 never sees the socket: its SEND and RECV callbacks work on two buffers, and Asio moves
/// the bytes. Lives on one strand, used by one coroutine at a time; `kill` and `wake` come from that strand too.
/// Shared, because the socket's handlers may outlive the owner by a turn of the event loop.
class Session : public std::enable_shared_from_this<Session> {
public:
    using Tcp = asio::ip::tcp;

    explicit Session(const Executor& executor);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    /// Connects the socket and prepares libssh2. `kill` ends the wait.
    awaitable<error_code> connect(Tcp::endpoint endpoint);

    /// Version exchange and key exchange; `key_types` are the host key types to prefer. Returns libssh2's code.
    awaitable<long> handshake(std::vector<std::string> key_types);

    /// The one drive loop: repeats the libssh2 call `step` until it is no longer LIBSSH2_ERROR_EAGAIN, moving bytes in
    /// between. A call that was begun must be driven to its end before another one of the session's level begins.
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
    /// Makes the waiting coroutine look again.
    void wake();
    /// The polite ending: tells the server, without waiting for it.
    void disconnect();

    LIBSSH2_SESSION* raw() const { return raw_; }
    const Executor& executor() const { return executor_; }
    bool killed() const { return killed_; }
    /// The server closed or reset the connection.
    bool ended_by_peer() const { return ended_ && !killed_; }
    std::size_t unsent_bytes() const { return out_.size(); }
    const std::string& peer() const { return peer_; } ///< `10.0.0.7:22`
    HostKey host_key() const;
    std::string last_error() const; ///< libssh2's words, copied before the next call changes them

    /// Memory that libssh2 frees.
    void* allocate(std::size_t size) { return memory_.allocate(size); }

    /// What keyboard-interactive prompts are answered with; owned by the caller while it authenticates.
    const std::string* answer = nullptr;

private:
    template <class Step>
    awaitable<long> drive(Step step, const bool* interrupted) {
        const auto self = shared_from_this();
        while (!killed_) {
            const long code = step();
            flush();
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
    void flush();
    void read_more();
    void readable(error_code ec);
    awaitable<void> news();

    Executor executor_;
    Tcp::socket socket_;
    asio::steady_timer wake_; ///< a condition variable: never expires
    SessionMemory memory_;    ///< outlives raw_
    LIBSSH2_SESSION* raw_ = nullptr;
    std::string in_, out_;
    std::size_t consumed_ = 0; ///< of in_
    std::uint64_t epoch_ = 0;  ///< grows with everything that may let a call go on
    bool reading_ = false, writing_ = false;
    bool ended_ = false;  ///< nothing more will be received
    bool mute_ = false;   ///< nothing more can be sent
    bool killed_ = false;
    std::string peer_;
};

/// `127.0.0.1:22`, `[::1]:22`
std::string endpoint_text(const Session::Tcp::endpoint& endpoint);

} // namespace loom
