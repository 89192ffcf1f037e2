#include "ssh/session.hpp"

#include "ssh/methods.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <spdlog/fmt/fmt.h>
#include <sys/eventfd.h>

namespace loom {

namespace {

/// A buffer that grew for a burst is not kept by an idle session.
constexpr std::size_t kept_buffer_bytes = 4096;

/// libssh2 wants a descriptor to call fcntl on, and may do so after the socket was closed and its number given to
/// another; so every session shows it this one.
int dummy_descriptor() {
    static const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return descriptor;
}

void forget(std::string& buffer) {
    if (buffer.capacity() > kept_buffer_bytes) std::string().swap(buffer);
    else buffer.clear();
}

/// A peer that vanished is noticed within about a minute, although libssh2's own keepalive never looks at replies.
void tune(Session::Tcp::socket& socket) {
    error_code ignored;
    socket.set_option(Session::Tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    const int fd = socket.native_handle();
    const auto set = [fd](int option, int value) { (void)::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value); };
    set(TCP_KEEPIDLE, 30);
    set(TCP_KEEPINTVL, 10);
    set(TCP_KEEPCNT, 3);
    set(TCP_USER_TIMEOUT, 60'000);
}

} // namespace

std::string endpoint_text(const Session::Tcp::endpoint& endpoint) {
    const auto address = endpoint.address();
    return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), address.to_string(), endpoint.port());
}

Session::Session(const Executor& executor) : executor_(executor), socket_(executor), wake_(executor) {}

Session::~Session() {
    // With the poison in place libssh2_session_free returns at once in every state; it would wait for the peer else.
    killed_ = true;
    if (raw_) libssh2_session_free(raw_);
}

awaitable<error_code> Session::connect(Tcp::endpoint endpoint) {
    const auto self = shared_from_this();
    peer_ = endpoint_text(endpoint);
    if (killed_) co_return asio::error::operation_aborted;
    error_code ignored;
    socket_.close(ignored); // an earlier address of the same name may have been tried
    auto [ec] = co_await socket_.async_connect(endpoint, tup);
    if (killed_) co_return asio::error::operation_aborted;
    if (ec) co_return ec;
    socket_.non_blocking(true, ec);
    if (ec) co_return ec;
    tune(socket_);
    if (!prepare()) co_return asio::error::no_memory;
    co_return error_code{};
}

bool Session::prepare() {
    raw_ = libssh2_session_init_ex(&allocate_block, &release_block, &reallocate_block, this);
    if (!raw_) return false;
    libssh2_session_set_blocking(raw_, 0);
#if LIBSSH2_VERSION_NUM >= 0x010b00
    using Callback = libssh2_cb_generic*;
    libssh2_session_callback_set2(raw_, LIBSSH2_CALLBACK_SEND, reinterpret_cast<Callback>(&send_bytes));
    libssh2_session_callback_set2(raw_, LIBSSH2_CALLBACK_RECV, reinterpret_cast<Callback>(&receive_bytes));
#else
    libssh2_session_callback_set(raw_, LIBSSH2_CALLBACK_SEND, reinterpret_cast<void*>(&send_bytes));
    libssh2_session_callback_set(raw_, LIBSSH2_CALLBACK_RECV, reinterpret_cast<void*>(&receive_bytes));
#endif
    return true;
}

awaitable<long> Session::handshake(std::vector<std::string> key_types) {
    if (!pin_methods(raw_, key_types)) co_return LIBSSH2_ERROR_METHOD_NOT_SUPPORTED;
    co_return co_await call([this] { return libssh2_session_handshake(raw_, dummy_descriptor()); });
}

void* Session::allocate_block(std::size_t size, void** self) { return static_cast<Session*>(*self)->memory_.allocate(size); }

void* Session::reallocate_block(void* block, std::size_t size, void** self) {
    return static_cast<Session*>(*self)->memory_.reallocate(block, size);
}

void Session::release_block(void* block, void** self) { static_cast<Session*>(*self)->memory_.release(block); }

ssize_t Session::send_bytes(libssh2_socket_t, const void* bytes, std::size_t size, int, void** self) {
    // Takes everything: a write is never partial, so none of libssh2's half-sent states can occur.
    auto& session = *static_cast<Session*>(*self);
    if (session.killed_) return -ECONNRESET;
    if (!session.mute_) session.out_.append(static_cast<const char*>(bytes), size);
    return static_cast<ssize_t>(size);
}

ssize_t Session::receive_bytes(libssh2_socket_t, void* bytes, std::size_t size, int, void** self) {
    auto& session = *static_cast<Session*>(*self);
    if (session.killed_) return -ECONNRESET;
    const auto available = session.in_.size() - session.consumed_;
    if (available == 0) return session.ended_ ? -ECONNRESET : -EAGAIN;
    const auto taken = std::min(size, available);
    std::memcpy(bytes, session.in_.data() + session.consumed_, taken);
    session.consumed_ += taken;
    if (taken == available) {
        session.consumed_ = 0;
        forget(session.in_);
    }
    return static_cast<ssize_t>(taken);
}

void Session::flush() {
    if (writing_ || killed_) return;
    std::size_t sent = 0;
    error_code ec;
    while (sent < out_.size() && !ec)
        sent += socket_.write_some(asio::buffer(out_.data() + sent, out_.size() - sent), ec);
    if (ec && ec != asio::error::would_block) {
        // What the server said before it closed may still be unread, so only the sending side ends here.
        mute_ = true;
        sent = out_.size();
    }
    if (sent == out_.size()) return forget(out_);
    out_.erase(0, sent);
    writing_ = true;
    socket_.async_wait(Tcp::socket::wait_write, [self = shared_from_this()](error_code) {
        self->writing_ = false;
        self->flush();
        self->wake();
    });
}

void Session::read_more() {
    if (reading_ || ended_ || killed_) return;
    reading_ = true;
    socket_.async_wait(Tcp::socket::wait_read, [self = shared_from_this()](error_code ec) { self->readable(ec); });
}

void Session::readable(error_code ec) {
    reading_ = false;
    if (killed_) return;
    if (!ec) {
        // One buffer a thread, not one a session: nothing suspends while it is in use.
        thread_local std::array<char, 32768> scratch;
        const auto size = socket_.read_some(asio::buffer(scratch), ec);
        in_.append(scratch.data(), size);
    }
    if (ec && ec != asio::error::would_block) ended_ = true;
    wake();
}

awaitable<void> Session::news() {
    const auto seen = epoch_;
    while (epoch_ == seen) { // ended by bytes, by the connection's end or by `kill`: every user arms a deadline for that
        wake_.expires_at(asio::steady_timer::time_point::max());
        auto [ec] = co_await wake_.async_wait(tup);
        (void)ec;
    }
}

void Session::kill() {
    killed_ = true;
    error_code ignored;
    socket_.close(ignored);
    wake();
}

void Session::wake() {
    ++epoch_;
    wake_.cancel();
}

void Session::disconnect() {
    if (raw_ && !killed_ && !ended_) {
        libssh2_session_disconnect(raw_, "done");
        flush();
    }
    kill();
}

HostKey Session::host_key() const {
    std::size_t size = 0;
    int type = 0;
    const char* blob = libssh2_session_hostkey(raw_, &size, &type);
    return host_key_from_blob(blob ? std::string_view(blob, size) : std::string_view());
}

std::string Session::last_error() const {
    char* text = nullptr;
    if (raw_) libssh2_session_last_error(raw_, &text, nullptr, 0);
    return text && *text ? text : "no further explanation";
}

} // namespace loom
