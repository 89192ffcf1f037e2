#include "ssh/faulty_server.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>

namespace loom::ssh_test {

namespace {

using Tcp = asio::ip::tcp;

/// Copies one direction; `budget` is what may still pass.
awaitable<void> pass_on(std::shared_ptr<Tcp::socket> from, std::shared_ptr<Tcp::socket> to, std::optional<std::size_t> budget) {
    std::array<char, 4096> bytes;
    for (;;) {
        auto [failed, size] = co_await from->async_read_some(asio::buffer(bytes), tup);
        if (failed) break;
        const auto passed = budget ? std::min(size, *budget) : size;
        auto [ec, sent] = co_await asio::async_write(*to, asio::buffer(bytes.data(), passed), tup);
        if (ec) break;
        if (budget && (*budget -= passed) == 0) break;
    }
    FaultyServer::reset(*from);
    FaultyServer::reset(*to);
}

void ignore(std::exception_ptr) {}

} // namespace

FaultyServer::FaultyServer(std::function<awaitable<void>(Socket)> behave)
    : behave_(std::move(behave)), acceptor_(io_, Tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {
    asio::co_spawn(io_, [this] { return accept(); }, ignore);
    thread_ = std::jthread([this] { io_.run(); });
}

FaultyServer::~FaultyServer() {
    io_.stop();
    thread_.join();
}

awaitable<void> FaultyServer::accept() {
    for (;;) {
        auto [ec, socket] = co_await acceptor_.async_accept(tup);
        if (ec) co_return;
        auto handled = behave_(std::move(socket));
        asio::co_spawn(io_, std::move(handled), ignore);
    }
}

void FaultyServer::reset(Socket& socket) {
    error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
}

std::function<awaitable<void>(FaultyServer::Socket)> FaultyServer::cut_after(Tcp::endpoint server, std::size_t bytes) {
    return [server, bytes](Socket accepted) -> awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto client = std::make_shared<Socket>(std::move(accepted));
        const auto target = std::make_shared<Socket>(executor);
        auto [ec] = co_await target->async_connect(server, tup);
        if (ec) co_return;
        auto upward = pass_on(client, target, std::nullopt);
        auto downward = pass_on(target, client, bytes);
        asio::co_spawn(executor, std::move(upward), ignore);
        asio::co_spawn(executor, std::move(downward), ignore);
    };
}

} // namespace loom::ssh_test
