#include "ssh/session.hpp"

#include "core/base/limits.hpp"
#include "ssh/methods.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/eventfd.h>
#include <utility>

namespace loom {

namespace {

/// A buffer that grew for a burst is not kept by an idle session.
constexpr std::size_t kept_buffer_bytes = 4096;

constexpr std::size_t read_bytes = 32u << 10; ///< at once
constexpr std::size_t spare_buffers_most = 64; ///< of a thread: as many as a run has nodes at once by default

/// What the thread's sessions read into, each of `read_bytes`. Where much output comes, the C library would give such a buffer to the
/// kernel after each read and take it again for the next: fifty thousand page faults for 400 MB.
std::vector<std::string>& spare_buffers() {
    thread_local std::vector<std::string> spare;
    return spare;
}

std::string take_buffer() {
    auto& spare = spare_buffers();
    if (spare.empty()) return std::string(read_bytes, '\0');
    auto buffer = std::move(spare.back());
    spare.pop_back();
    return buffer;
}

void give_buffer(std::string buffer) {
    auto& spare = spare_buffers();
    if (buffer.capacity() < read_bytes || buffer.capacity() > 2 * read_bytes || spare.size() == spare_buffers_most) return;
    buffer.resize(read_bytes);
    spare.push_back(std::move(buffer));
}

/// libssh2 wants a descriptor to call fcntl on, and may do so after the socket was closed and its number given to
/// another; so every session shows it this one.
int dummy_descriptor() {
    static const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return descriptor;
}

void forget(std::string& buffer) {
    if (buffer.capacity() > kept_buffer_bytes) give_buffer(std::exchange(buffer, {}));
    else buffer.clear();
}

} // namespace

Session::Session(const Executor& executor) : executor_(executor), wake_(executor) {
    wake_.expires_at(asio::steady_timer::time_point::max());
}

Session::~Session() {
    // With the poison in place libssh2_session_free returns at once in every state; it would wait for the peer else.
    killed_ = true;
    if (raw_) libssh2_session_free(raw_);
}

awaitable<error_code> Session::connect(asio::ip::tcp::endpoint endpoint) {
    const auto self = shared_from_this();
    peer_ = endpoint_text(endpoint);
    if (killed_) co_return asio::error::operation_aborted;
    auto tcp = std::make_unique<TcpTransport>(executor_);
    auto& connecting = *tcp;
    transport_ = std::move(tcp); // an earlier address of the same name may have been tried
    const auto ec = co_await connecting.connect(endpoint);
    if (killed_) co_return asio::error::operation_aborted;
    if (ec) co_return ec;
    co_return prepare() ? error_code{} : asio::error::no_memory;
}

error_code Session::use(std::unique_ptr<Transport> transport, std::string peer) {
    peer_ = std::move(peer);
    transport_ = std::move(transport);
    if (killed_) return asio::error::operation_aborted;
    return prepare() ? error_code{} : asio::error::no_memory;
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
    if (session.killed_ || session.giving_up_) return -ECONNRESET;
    const auto available = session.in_.size() - session.consumed_;
    if (available == 0) return session.ended_ ? -ECONNRESET : -EAGAIN;
    const auto taken = std::min(size, available);
    std::memcpy(bytes, session.in_.data() + session.consumed_, taken);
    session.consumed_ += taken;
    session.received_ += taken;
    if (taken == available) {
        session.consumed_ = 0;
        forget(session.in_);
    }
    return static_cast<ssize_t>(taken);
}

void Session::flush() {
    if (writing_ || killed_ || out_.empty()) return;
    std::size_t sent = 0;
    error_code ec;
    while (sent < out_.size() && !ec) sent += transport_->write_some(std::string_view(out_).substr(sent), ec);
    if (ec && ec != asio::error::would_block) {
        // What the server said before it closed may still be unread, so only the sending side ends here.
        mute_ = true;
        sent = out_.size();
    }
    if (sent == out_.size()) return forget(out_);
    out_.erase(0, sent);
    writing_ = true;
    transport_->when_writable([self = shared_from_this()](error_code) {
        self->writing_ = false;
        self->flush();
        self->wake();
    });
}

void Session::read_more() {
    if (reading_ || ended_ || killed_) return;
    reading_ = true;
    transport_->when_readable([self = shared_from_this()](error_code ec) { self->readable(ec); });
}

void Session::readable(error_code ec) {
    reading_ = false;
    if (killed_) return;
    if (!ec) {
        auto buffer = take_buffer();
        const auto size = transport_->read_some(buffer, ec);
        if (in_.empty() && size > kept_buffer_bytes) {
            buffer.resize(size);
            in_.swap(buffer);
        } else {
            in_.append(buffer, 0, size);
        }
        give_buffer(std::move(buffer));
        if (size == 0 && ec == asio::error::would_block) return read_more();
    }
    if (ec && ec != asio::error::would_block) end();
    tidy();
    flush();
    wake();
    if (listening_ && in_.size() <= limits::ssh_unread_bytes) read_more();
}

awaitable<void> Session::news() {
    const auto seen = epoch_;
    while (epoch_ == seen) { // ended by bytes, by the connection's end or by `kill`: every user arms a deadline for that
        auto [ec] = co_await wake_.async_wait(tup);
        (void)ec;
    }
}

void Session::when_news(std::function<void()> then) {
    listeners_.push_back(std::move(then));
    if (has_input() || ended_ || killed_) asio::post(executor_, [self = shared_from_this()] { self->wake(); });
    else read_more();
}

void Session::listen() {
    listening_ = true;
    read_more();
}

void Session::kill() {
    if (killed_) return;
    killed_ = true;
    end();
    alive_timer_.reset();
    if (transport_) transport_->close();
    wake();
}

void Session::end() {
    ended_ = true;
    over_ = true;
    if (const auto told = std::exchange(on_end_, nullptr)) told();
}

void Session::when_ended(std::function<void()> then) {
    if (over_) return then();
    on_end_ = std::move(then);
}

void Session::wake() {
    ++epoch_;
    wake_.cancel();
    auto told = std::move(listeners_);
    listeners_.clear();
    for (const auto& listener : told) listener();
}

void Session::disconnect() {
    if (raw_ && !killed_ && !ended_) {
        libssh2_session_disconnect(raw_, "done");
        flush();
    }
    kill();
}

awaitable<Slots::Hold> Session::level(StopToken stop) {
    co_return co_await level_.acquire(std::move(stop)); // whoever holds it has a deadline, or is ended by `kill`
}

void Session::keep_alive(Milliseconds interval) {
    if (interval <= interval.zero() || killed_) return;
    libssh2_keepalive_config(raw_, 1, 1);
    // The timer goes with the session, or with `kill`; so the callback finds it alive.
    alive_timer_.emplace(executor_, interval, [this] {
        const auto seen = received_ + in_.size();
        silent_rounds_ = seen == received_at_last_round_ ? silent_rounds_ + 1 : 0;
        received_at_last_round_ = seen;
        if (silent_rounds_ >= limits::ssh_silent_rounds) {
            end();
            return wake();
        }
        int next = 0;
        libssh2_keepalive_send(raw_, &next);
        flush();
        read_more();
        alive_timer_->restart();
    });
}

awaitable<long> Session::open_spare() {
    const auto self = shared_from_this();
    const auto hold = co_await level();
    if (spare_) co_return 0;
    long code = co_await call([this] { return try_spare(); });
    if (code == LIBSSH2_ERROR_CHANNEL_FAILURE) {
        // Beside a command, or before the server has seen off the last one: sshd's MaxSessions counts that too.
        single_ = true;
        code = co_await call([this] { return try_spare(); });
    }
    asked_ = false;
    co_return code;
}

/// libssh2 opens one channel at a time: whoever calls next goes on with the request that was sent.
long Session::try_spare() {
    constexpr std::string_view type = "session";
    spare_ = libssh2_channel_open_ex(raw_, type.data(), type.size(), limits::ssh_window_bytes, LIBSSH2_CHANNEL_PACKET_DEFAULT,
                                     nullptr, 0);
    return spare_ ? 0 : libssh2_session_last_errno(raw_);
}

void Session::ask_spare() {
    if (spare_ || asked_ || single_) return;
    asked_ = true;
    try_spare();
}

void Session::abandon(LIBSSH2_CHANNEL* channel) {
    abandoned_.push_back(channel);
    tidy();
}

/// Frees what was abandoned, as far as the server has answered.
void Session::tidy() {
    if (killed_ || abandoned_.empty()) return;
    std::erase_if(abandoned_, [](auto* channel) { return libssh2_channel_free(channel) != LIBSSH2_ERROR_EAGAIN; });
    if (!abandoned_.empty()) read_more();
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
