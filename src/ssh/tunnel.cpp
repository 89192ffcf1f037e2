#include "ssh/tunnel.hpp"

#include "core/base/limits.hpp"

namespace loom {

namespace {

/// A direct-tcpip channel of the outer session as a transport.
class TunnelTransport final : public Transport {
public:
    TunnelTransport(std::shared_ptr<Session> outer, LIBSSH2_CHANNEL* raw) : outer_(std::move(outer)), raw_(raw) {}
    ~TunnelTransport() override { close(); }

    std::size_t read_some(std::span<char> into, error_code& ec) override {
        if (gone(ec)) return 0;
        const auto size = libssh2_channel_read_ex(raw_, 0, into.data(), into.size());
        outer_->flush(); // libssh2 may have widened the window
        if (size > 0) return static_cast<std::size_t>(size);
        if (size == LIBSSH2_ERROR_EAGAIN) ec = asio::error::would_block;
        else if (size < 0) ec = asio::error::connection_reset;
        else if (libssh2_channel_eof(raw_) == 1) ec = asio::error::eof;
        else ec = asio::error::would_block;
        return 0;
    }

    std::size_t write_some(std::string_view bytes, error_code& ec) override {
        if (gone(ec)) return 0;
        if (outer_->unsent_bytes() > limits::ssh_send_buffer_bytes) {
            ec = asio::error::would_block;
            return 0;
        }
        const auto size = libssh2_channel_write_ex(raw_, 0, bytes.data(), bytes.size());
        outer_->flush();
        if (size > 0) return static_cast<std::size_t>(size);
        ec = size == 0 || size == LIBSSH2_ERROR_EAGAIN ? asio::error::would_block : asio::error::connection_reset;
        return 0;
    }

    void when_readable(std::function<void(error_code)> then) override {
        // A socket that has something to read says so at once; what libssh2 keeps for this channel is no news any more.
        unsigned long waiting = 0;
        if (raw_ && outer_->alive()) libssh2_channel_window_read_ex(raw_, &waiting, nullptr);
        if (waiting > 0 || !raw_ || !outer_->alive() || libssh2_channel_eof(raw_) == 1)
            return asio::post(outer_->executor(), [then = std::move(then)] { then({}); });
        outer_->when_news([then = std::move(then)] { then({}); });
    }

    void when_writable(std::function<void(error_code)> then) override {
        outer_->when_news([then = std::move(then)] { then({}); });
    }

    void close() override {
        if (!raw_) return;
        auto* const raw = std::exchange(raw_, nullptr);
        if (!outer_->alive()) return; // the outer session frees its channels
        outer_->abandon(raw);
        outer_->flush();
        outer_->wake(); // who waited for this channel lets go of it
    }

private:
    bool gone(error_code& ec) const {
        if (raw_ && !outer_->killed()) return false;
        ec = asio::error::connection_reset;
        return true;
    }

    std::shared_ptr<Session> outer_;
    LIBSSH2_CHANNEL* raw_;
};

} // namespace

awaitable<Tunnel> open_tunnel(std::shared_ptr<Session> outer, std::string host, unsigned short port, Milliseconds limit,
                              StopToken stop) {
    Tunnel tunnel;
    const auto hold = co_await outer->level(stop);
    if (!hold) co_return tunnel;
    auto wake = [&outer](StopReason) { outer->wake(); };
    const auto registration = stop.on_stop(outer->executor(), std::move(wake));
    bool late = false;
    const Deadline deadline(outer->executor(), limit, [&] {
        late = true;
        outer->wake();
    });
    LIBSSH2_CHANNEL* raw = nullptr;
    auto open = [&]() -> long {
        raw = libssh2_channel_direct_tcpip_ex(outer->raw(), host.c_str(), port, "127.0.0.1", 0);
        return raw ? 0 : libssh2_session_last_errno(outer->raw());
    };
    auto step = [&]() -> long { return late || stop.requested() ? outer->give_up(open) : open(); };
    tunnel.code = co_await outer->call(std::move(step));
    tunnel.timed_out = late;
    // Nobody reads what would come as a second stream, and so it must not count as waiting.
    if (raw) libssh2_channel_handle_extended_data2(raw, LIBSSH2_CHANNEL_EXTENDED_DATA_IGNORE);
    if (raw) tunnel.transport = std::make_unique<TunnelTransport>(outer, raw);
    else if (tunnel.code != 0) tunnel.message = outer->last_error();
    co_return tunnel;
}

} // namespace loom
