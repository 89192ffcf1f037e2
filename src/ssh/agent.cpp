#include "ssh/agent.hpp"

#include "ssh/wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <spdlog/fmt/fmt.h>
#include <sys/un.h>

namespace loom {

namespace {

using Protocol = asio::local::stream_protocol;

/// One request and its reply, each with its length in front.
awaitable<error_code> exchange(Protocol::socket& socket, const std::string& request, std::string& reply) {
    std::string framed;
    put_text(framed, request);
    auto [written, sent] = co_await asio::async_write(socket, asio::buffer(framed), tup);
    if (written) co_return written;
    char head[4];
    auto [headed, four] = co_await asio::async_read(socket, asio::buffer(head), tup);
    if (headed) co_return headed;
    WireReader reader(std::string_view(head, sizeof head));
    const auto size = reader.number();
    if (size == 0 || size > limits::agent_reply_bytes) co_return asio::error::message_size;
    reply.resize(size);
    auto [ended, all] = co_await asio::async_read(socket, asio::buffer(reply), tup);
    co_return ended;
}

} // namespace

awaitable<Result<std::vector<AgentKey>>> Agent::keys(StopToken stop) {
    const auto reply = co_await ask(agent_list_request(), std::move(stop));
    if (!reply) co_return reply.error();
    co_return read_agent_list(*reply);
}

awaitable<Result<std::string>> Agent::sign(std::string blob, std::string bytes, std::string algorithm, StopToken stop) {
    const auto reply = co_await ask(agent_sign_request(blob, bytes, algorithm), std::move(stop));
    if (!reply) co_return reply.error();
    co_return read_agent_signature(*reply, algorithm);
}

awaitable<Result<std::string>> Agent::ask(std::string request, StopToken stop) {
    const auto self = shared_from_this();
    const auto executor = co_await asio::this_coro::executor;
    const auto place = co_await places_.acquire(stop);
    if (!place) co_return Error{Errc::unavailable, fmt::format("ssh-agent at {} was busy for too long", socket_)};
    // A connection that was kept may have ended, with an agent that was started anew: then a fresh one is tried.
    while (auto kept = take_idle()) {
        auto reply = co_await ask_on(kept, false, request, stop);
        if (reply || stop.requested()) co_return reply;
    }
    // Its handlers run on the strand of the coroutine that waits, whichever made it: a connection changes hands.
    const auto made = std::make_shared<Socket>(executor);
    co_return co_await ask_on(made, true, request, stop);
}

awaitable<Result<std::string>> Agent::ask_on(std::shared_ptr<Socket> socket, bool fresh, const std::string& request,
                                             StopToken stop) {
    const auto executor = co_await asio::this_coro::executor;
    std::string reply;
    error_code ec;
    {
        auto close = [socket](StopReason) {
            error_code ignored;
            socket->close(ignored);
        };
        const auto registration = stop.on_stop(executor, std::move(close));
        if (socket_.size() >= sizeof(sockaddr_un::sun_path)) ec = asio::error::name_too_long;
        if (!ec && fresh) {
            const Protocol::endpoint endpoint(socket_);
            auto [connected] = co_await socket->async_connect(endpoint, tup);
            ec = connected;
        }
        if (!ec && !stop.requested()) ec = co_await exchange(*socket, request, reply);
    }
    if (stop.requested()) co_return Error{Errc::unavailable, fmt::format("ssh-agent at {} did not answer in time", socket_)};
    if (ec == asio::error::message_size)
        co_return Error{Errc::unavailable, "ssh-agent answered with something that cannot be understood"};
    if (ec) co_return Error{Errc::unavailable, fmt::format("cannot reach ssh-agent at {}: {}", socket_, ec.message())};
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(socket));
    co_return reply;
}

std::shared_ptr<Agent::Socket> Agent::take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    auto socket = std::move(idle_.back());
    idle_.pop_back();
    return socket;
}

std::shared_ptr<Agent> Agents::at(const std::string& socket) {
    if (socket.empty()) return nullptr;
    const std::lock_guard lock(mutex_);
    auto& agent = agents_[socket];
    if (!agent) agent = std::make_shared<Agent>(socket);
    return agent;
}

} // namespace loom
