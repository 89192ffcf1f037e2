#pragma once
#include "ssh/session.hpp"

#include <span>
#include <string_view>

namespace loom {

/// One command's channel on a session. Shares the session's strand; the session closes what is left of it, since
/// closing a channel politely waits for the server.
class Channel {
public:
    explicit Channel(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel();

    // The steps that begin a command, in this order. Each gives 0, or libssh2's code.
    awaitable<long> open();
    awaitable<long> request_terminal();
    awaitable<long> start(std::string command);

    // The calls below belong into a step of Session::call: they may give LIBSSH2_ERROR_EAGAIN.
    /// 0: standard output, 1: standard error. The number of bytes, 0 for none, or a code.
    long read(int stream, std::span<char> into);
    long write(std::string_view bytes);
    long send_eof();
    long wait_closed();

    bool at_eof() const { return libssh2_channel_eof(raw_) == 1; }
    int exit_status() const { return libssh2_channel_get_exit_status(raw_); }
    /// Without SIG; empty: none.
    std::string exit_signal() const;
    /// Asks the server to signal the command; false where that is not possible at all.
    awaitable<bool> signal(std::string name);

private:
    std::shared_ptr<Session> session_;
    LIBSSH2_CHANNEL* raw_ = nullptr;
    bool ahead_ = false; ///< it had been asked for ahead: so the next one is to be
};

} // namespace loom
