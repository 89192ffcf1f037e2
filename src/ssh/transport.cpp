#include "ssh/transport.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <netinet/tcp.h>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

/// A peer that vanished is noticed within about a minute, although libssh2's own keepalive never looks at replies.
void tune(asio::ip::tcp::socket& socket) {
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    const int fd = socket.native_handle();
    const auto set = [fd](int option, int value) { (void)::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value); };
    set(TCP_KEEPIDLE, 30);
    set(TCP_KEEPINTVL, 10);
    set(TCP_KEEPCNT, 3);
    set(TCP_USER_TIMEOUT, 60'000);
}

} // namespace

std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint) {
    const auto address = endpoint.address();
    return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), address.to_string(), endpoint.port());
}

awaitable<error_code> TcpTransport::connect(Tcp::endpoint endpoint) {
    auto [ec] = co_await socket_.async_connect(endpoint, tup);
    if (ec) co_return ec;
    if (!socket_.is_open()) co_return asio::error::operation_aborted;
    socket_.non_blocking(true, ec);
    tune(socket_);
    co_return ec;
}

std::size_t TcpTransport::read_some(std::span<char> into, error_code& ec) {
    if (arrived_.empty()) return socket_.read_some(asio::buffer(into.data(), into.size()), ec);
    const auto taken = std::min(arrived_.size(), into.size());
    std::ranges::copy(arrived_.first(taken), into.begin());
    const bool filled = arrived_.data() + arrived_.size() == first_.data() + first_.size();
    arrived_ = arrived_.subspan(taken);
    const auto rest = into.subspan(taken);
    if (!filled || rest.empty()) return taken;
    error_code told_by_the_next;
    return taken + socket_.read_some(asio::buffer(rest.data(), rest.size()), told_by_the_next);
}

std::size_t TcpTransport::write_some(std::string_view bytes, error_code& ec) {
    return socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ec);
}

void TcpTransport::when_readable(std::function<void(error_code)> then) {
    socket_.async_read_some(asio::buffer(first_), [this, then = std::move(then)](error_code ec, std::size_t size) {
        // After a failure this transport may be gone.
        if (!ec) arrived_ = std::span(first_).first(size);
        then(ec);
    });
}

void TcpTransport::when_writable(std::function<void(error_code)> then) {
    socket_.async_wait(Tcp::socket::wait_write, std::move(then));
}

void TcpTransport::close() {
    error_code ignored;
    socket_.close(ignored);
}

} // namespace loom
