#include "app/http/server.hpp"

#include "app/http/openapi.hpp"
#include "core/async/deadline.hpp"
#include "core/base/log.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <unistd.h>

namespace loom {
namespace {

/// The answer at the bound on connections, made without waiting: a new socket's buffer takes it whole. A TLS client sees its
/// connection end.
void refuse(StreamSocket& socket) {
    const auto response = problem_response(503, Errc::unavailable, "too many connections");
    const auto text = head_of(response, false) + response.body;
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
    parts.routes.push_back(openapi_route());
    const auto strand = make_strand(parts.strands.at(0));
    std::vector<std::unique_ptr<Listener>> listeners;
    for (const auto& address : parts.settings.listen) {
        auto listener = listen_on(strand, address, parts.settings.allowed_hosts);
        if (!listener) return listener.error();
        listeners.push_back(std::move(*listener));
    }
    auto acceptor = listen_on(strand, parts.socket_path, rule.group);
    if (!acceptor) return acceptor.error();
    auto local = std::make_unique<Listener>(std::move(*acceptor));
    local->local = true;
    local->hosts.any = true;
    listeners.push_back(std::move(local));
    return std::make_unique<HttpServer>(std::move(parts), rule, std::move(listeners));
}

HttpServer::HttpServer(HttpServerParts parts, PeerRule rule, std::vector<std::unique_ptr<Listener>> listeners)
    : strand_(listeners.front()->acceptor.get_executor()), path_(std::move(parts.socket_path)), rule_(rule),
      shared_{parts.service, parts.blocking, parts.settings.limits, std::move(parts.check_token), std::move(parts.routes), std::move(parts.unready),
              Connections(parts.settings.limits), StopToken()},
      strands_(std::move(parts.strands)), listeners_(std::move(listeners)), accepting_(strand_), sessions_(strand_) {
    for (auto& listener : listeners_) {
        auto run = [this, &from = *listener] { return accept(from); };
        accepting_.spawn(run);
    }
}

std::vector<Problem> HttpServer::read_certificates() {
    std::vector<Problem> found;
    for (const auto& listener : listeners_) {
        if (!listener->tls) continue;
        const auto read = listener->tls->read_again();
        if (read) continue;
        auto& problem = found.emplace_back();
        problem.place = listener->shown;
        problem.message = "the new certificate is not taken: " + read.error().message;
        logs::http.error({}, "{}: {}", problem.place, problem.message);
    }
    return found;
}

std::vector<std::string> HttpServer::addresses() const {
    std::vector<std::string> all;
    for (const auto& listener : listeners_)
        if (!listener->local) all.push_back(listener->shown);
    return all;
}

awaitable<void> HttpServer::accept(Listener& listener) {
    while (!shared_.stop.requested()) {
        StreamSocket socket(strands_.at(taken_++));
        auto [ec] = co_await listener.acceptor.async_accept(socket, tup);
        if (ec == asio::error::operation_aborted || !listener.acceptor.is_open()) break;
        if (ec) {
            // Out of descriptors: the connections that are open end in their time.
            logs::http.warn({}, "cannot accept a connection: {}", ec.message());
            const std::chrono::milliseconds breath(100);
            co_await pause_for(breath, shared_.stop);
            continue;
        }
        take(listener, std::move(socket));
    }
}

void HttpServer::take(Listener& listener, StreamSocket socket) {
    Arrival arrival;
    arrival.hosts = &listener.hosts;
    std::string caller;
    if (listener.local) {
        const auto peer = read_peer(socket.native_handle());
        if (peer && admits(rule_, *peer)) arrival.user = peer->uid;
        if (arrival.user) caller = "uid:" + std::to_string(*arrival.user);
    } else {
        arrival.address = counted_address(socket.native_handle());
        error_code ignored;
        socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    }
    const auto address = arrival.address;
    // The session is made when there is room for it; until then nothing of it can be closed.
    const auto made = std::make_shared<std::weak_ptr<HttpSession>>();
    auto end = [made, executor = socket.get_executor()] {
        asio::post(executor, [made] {
            if (const auto session = made->lock()) session->close();
        });
    };
    auto ticket = shared_.connections.admit(address, caller, end);
    if (!ticket) return refuse(socket);
    auto stream = listener.tls ? server_tls_stream(std::move(socket), listener.tls->current()) : plain_stream(std::move(socket));
    auto session = std::make_shared<HttpSession>(std::move(stream), std::move(arrival), shared_);
    session->hold(std::move(*ticket));
    auto run = [session, made] {
        *made = session;
        return session->run();
    };
    sessions_.spawn(session->executor(), run);
}

awaitable<void> HttpServer::close() {
    auto shutting = shut();
    co_await asio::co_spawn(strand_, std::move(shutting), asio::use_awaitable);
}

awaitable<void> HttpServer::shut() {
    const bool first = shared_.stop.request(StopReason::shutdown);
    error_code ignored;
    for (auto& listener : listeners_) listener->acceptor.close(ignored);
    co_await accepting_.join();
    co_await sessions_.join();
    if (first) ::unlink(path_.c_str());
}

} // namespace loom
