#include "app/http/server.hpp"

#include "app/http/problem.hpp"
#include "core/async/deadline.hpp"
#include "core/base/log.hpp"

#include <boost/asio/buffer.hpp>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

namespace loom {
namespace {

/// The answer at the bound on connections, made without waiting: a new socket's buffer takes it whole.
void refuse(UnixSocket& socket) {
    const auto body = problem_body(503, Errc::unavailable, "too many connections");
    const auto text = fmt::format("HTTP/1.1 503 Service Unavailable\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
                                  "Connection: close\r\n\r\n{}",
                                  problem_type, body.size(), body);
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
}

} // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::create(HttpServerParts parts) {
    PeerRule rule;
    rule.own_uid = ::geteuid();
    if (!parts.socket_group.empty()) {
        const auto group = find_group(parts.socket_group);
        if (!group) return group.error();
        rule.group = *group;
    }
    auto acceptor = listen_on(make_strand(parts.executor), parts.socket_path, rule.group);
    if (!acceptor) return acceptor.error();
    return std::make_unique<HttpServer>(std::move(parts), rule, std::move(*acceptor));
}

HttpServer::HttpServer(HttpServerParts parts, PeerRule rule, UnixAcceptor acceptor)
    : strand_(acceptor.get_executor()), path_(std::move(parts.socket_path)),
      shared_{parts.service, parts.blocking, rule, parts.times, StopToken()}, pool_(parts.executor),
      acceptor_(std::move(acceptor)), accepting_(strand_), sessions_(strand_) {
    accepting_.spawn([this] { return accept(); });
}

awaitable<void> HttpServer::accept() {
    while (!shared_.stop.requested()) {
        UnixSocket socket(make_strand(pool_));
        auto [ec] = co_await acceptor_.async_accept(socket, tup);
        if (ec == asio::error::operation_aborted || !acceptor_.is_open()) break;
        if (ec) {
            // Out of descriptors: the connections that are open end in their time.
            logs::http.warn({}, "cannot accept a connection: {}", ec.message());
            const std::chrono::milliseconds breath(100);
            co_await pause_for(breath, shared_.stop);
            continue;
        }
        if (sessions_.live() >= shared_.times.connections) {
            refuse(socket);
            continue;
        }
        auto session = std::make_shared<HttpSession>(std::move(socket), shared_);
        auto run = [session] { return session->run(); };
        sessions_.spawn(session->executor(), run);
    }
}

awaitable<void> HttpServer::close() {
    auto shutting = shut();
    co_await asio::co_spawn(strand_, std::move(shutting), asio::use_awaitable);
}

awaitable<void> HttpServer::shut() {
    const bool first = shared_.stop.request(StopReason::shutdown);
    error_code ignored;
    acceptor_.close(ignored);
    co_await accepting_.join();
    co_await sessions_.join();
    if (first) ::unlink(path_.c_str());
}

} // namespace loom
