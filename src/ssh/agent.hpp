#pragma once
#include "core/async/slots.hpp"
#include "core/async/stop.hpp"
#include "core/base/limits.hpp"
#include "ssh/agent_messages.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace loom {

/// One ssh-agent, known by its socket. All dials share a few connections to it; on each of them one request is under way
/// at a time, and the others wait their turn. Any strand; the answer comes back on the caller's.
class Agent : public std::enable_shared_from_this<Agent> {
public:
    explicit Agent(std::string socket) : socket_(std::move(socket)) {}

    const std::string& socket() const { return socket_; }

    /// `stop` ends the wait: an agent may ask its user first, so only the caller's deadline bounds it.
    awaitable<Result<std::vector<AgentKey>>> keys(StopToken stop);
    awaitable<Result<std::string>> sign(std::string blob, std::string bytes, std::string algorithm, StopToken stop);

private:
    using Socket = boost::asio::local::stream_protocol::socket;

    awaitable<Result<std::string>> ask(std::string request, StopToken stop);
    awaitable<Result<std::string>> ask_on(std::shared_ptr<Socket> socket, bool fresh, const std::string& request, StopToken stop);
    std::shared_ptr<Socket> take_idle();

    const std::string socket_;
    Slots places_{limits::agent_connections};
    std::mutex mutex_;
    std::vector<std::shared_ptr<Socket>> idle_; ///< connected, nothing under way
};

/// The agents by their sockets. Any thread.
class Agents {
public:
    /// Null for an empty path.
    std::shared_ptr<Agent> at(const std::string& socket);

private:
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Agent>> agents_;
};

} // namespace loom
