#pragma once
#include "fleet/loop.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace loom::fleet {

/// A fleet of simulated SSH nodes behind one port of the loopback network, on threads of its own from construction to
/// destruction. Throws std::runtime_error where it cannot listen.
class FleetServer {
public:
    explicit FleetServer(Options options);
    FleetServer(const FleetServer&) = delete;
    FleetServer& operator=(const FleetServer&) = delete;
    ~FleetServer();

    unsigned short port() const { return shared_.port; }
    const Counters& counters() const { return shared_.counters; }
    /// As known_hosts has it: `ssh-ed25519 AAAA...`.
    std::string host_key(const std::string& address = "127.0.0.1");

private:
    Shared shared_;
    std::vector<std::unique_ptr<Loop>> loops_;
    std::vector<std::jthread> threads_;
};

} // namespace loom::fleet
