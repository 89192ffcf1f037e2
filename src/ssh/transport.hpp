#pragma once
#include "core/async/asio.hpp"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace loom {

/// Moves one session's bytes, without ever blocking. Lives on the session's strand. `then` is called on that strand,
/// once, and holds whatever it needs; at most one of each kind waits at a time.
class Transport {
public:
    virtual ~Transport() = default;

    /// The number of bytes, or would_block, eof, or what broke. All that has come is taken before the next wait.
    virtual std::size_t read_some(std::span<char> into, error_code& ec) = 0;
    virtual std::size_t write_some(std::string_view bytes, error_code& ec) = 0;
    virtual void when_readable(std::function<void(error_code)> then) = 0;
    virtual void when_writable(std::function<void(error_code)> then) = 0;
    /// Ends the connection; whoever waits is called with an error, or not at all.
    virtual void close() = 0;
};

/// A TCP connection.
class TcpTransport final : public Transport {
public:
    using Tcp = asio::ip::tcp;

    explicit TcpTransport(const Executor& executor) : socket_(executor) {}

    /// Ended by `close`.
    awaitable<error_code> connect(Tcp::endpoint endpoint);

    std::size_t read_some(std::span<char> into, error_code& ec) override;
    std::size_t write_some(std::string_view bytes, error_code& ec) override;
    void when_readable(std::function<void(error_code)> then) override;
    void when_writable(std::function<void(error_code)> then) override;
    void close() override;

private:
    Tcp::socket socket_;
    /// The wait for readability reads: Asio makes an epoll_ctl for each `async_wait`, and none for a read.
    std::array<char, 1024> first_;
    std::span<char> arrived_; ///< of it
};

/// `127.0.0.1:22`, `[::1]:22`
std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint);

} // namespace loom
