#include "ssh/channel.hpp"

#include <algorithm>

namespace loom {

Channel::~Channel() {
    if (raw_ && !session_->killed()) session_->abandon(raw_);
}

awaitable<long> Channel::open() {
    ahead_ = session_->spare_asked();
    raw_ = session_->take_spare();
    if (raw_) co_return 0;
    const long code = co_await session_->open_spare();
    raw_ = session_->take_spare();
    co_return code;
}

awaitable<long> Channel::request_terminal() {
    auto step = [this]() -> long {
        constexpr std::string_view type = "dumb";
        // RFC 4254, section 8: ECHO (53) off, for what is typed here is the input and perhaps a password.
        constexpr std::string_view modes("\x35\0\0\0\0\0", 6);
        return libssh2_channel_request_pty_ex(raw_, type.data(), type.size(), modes.data(), modes.size(), 80, 24, 0, 0);
    };
    co_return co_await session_->call(std::move(step));
}

awaitable<long> Channel::start(std::string command) {
    auto step = [this, &command]() -> long {
        constexpr std::string_view request = "exec";
        const long code = libssh2_channel_process_startup(raw_, request.data(), request.size(), command.data(),
                                                          static_cast<unsigned>(command.size()));
        // In the same flight: a session that is used again and again has its next channel one round trip earlier.
        if (ahead_ && code == LIBSSH2_ERROR_EAGAIN) session_->ask_spare();
        return code;
    };
    co_return co_await session_->call(std::move(step));
}

long Channel::read(int stream, std::span<char> into) {
    return static_cast<long>(libssh2_channel_read_ex(raw_, stream, into.data(), into.size()));
}

long Channel::write(std::string_view bytes) {
    return static_cast<long>(libssh2_channel_write_ex(raw_, 0, bytes.data(), bytes.size()));
}

long Channel::send_eof() { return libssh2_channel_send_eof(raw_); }

long Channel::wait_closed() { return libssh2_channel_wait_closed(raw_); }

namespace {
constexpr std::size_t signal_bytes = 64; ///< of a name: RFC 4254, section 6.10, knows none of more than 4
}

std::string Channel::exit_signal() const {
    char* name = nullptr;
    std::size_t size = 0;
    if (libssh2_channel_get_exit_signal(raw_, &name, &size, nullptr, nullptr, nullptr, nullptr) != 0 || !name) return {};
    const std::string signal(name, std::min(size, signal_bytes)); // the node says it
    libssh2_free(session_->raw(), name);
    return signal;
}

awaitable<bool> Channel::signal(std::string name) {
#if LIBSSH2_VERSION_NUM >= 0x010b00
    auto step = [this, &name]() -> long { return libssh2_channel_signal_ex(raw_, name.data(), name.size()); };
    co_return co_await session_->call(std::move(step)) == 0;
#else
    (void)name;
    co_return false;
#endif
}

} // namespace loom
