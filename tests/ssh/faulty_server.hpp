#pragma once
#include "core/async/asio.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <thread>

namespace loom::ssh_test {

/// A TCP server on a loopback address that treats each connection as `behave` says, on a thread of its own.
class FaultyServer {
public:
    using Socket = asio::ip::tcp::socket;
    explicit FaultyServer(std::function<awaitable<void>(Socket)> behave);
    ~FaultyServer();

    unsigned short port() const { return acceptor_.local_endpoint().port(); }

    /// Passes everything on between the connection and a server, but resets both after `bytes` from that server.
    static std::function<awaitable<void>(Socket)> cut_after(asio::ip::tcp::endpoint server, std::size_t bytes);
    /// Closes so that the peer sees a reset.
    static void reset(Socket& socket);

private:
    awaitable<void> accept();

    std::function<awaitable<void>(Socket)> behave_;
    asio::io_context io_;
    asio::ip::tcp::acceptor acceptor_;
    std::jthread thread_;
};

} // namespace loom::ssh_test
