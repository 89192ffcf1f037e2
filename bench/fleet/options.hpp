#pragma once
#include "fleet/fault.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace loom::fleet {

struct Options {
    /// A loopback address, or empty for all of 127.0.0.0/8: then every address of it is a node.
    std::string address = "127.0.0.1";
    unsigned short port = 0; ///< 0: a free one
    unsigned threads = 1;
    std::chrono::microseconds rtt{0};       ///< each flight of the client is handled so much later, the first one twice
    std::chrono::microseconds exec_time{0}; ///< what every command takes at least
    bool host_key_each = false;             ///< a host key for each address, else one for all
    bool accept_any_key = false;            ///< public keys are accepted without looking at the signature
    std::string password;                   ///< accepted for every user; empty: the method is not offered
    std::uint64_t rekey_bytes = 0;          ///< the server asks for new keys after so many bytes; 0: never
    std::vector<FaultRule> faults;
    std::chrono::microseconds drip_interval = std::chrono::seconds(1);
    std::string log; ///< a file to append a line for each command to: time, address, text; empty: none
    /// Called for every command with the node's address, on the server's thread.
    std::function<void(const std::string& address, const std::string& command)> witness;
};

/// What the fleet has done so far. Any thread.
struct Counters {
    using Number = std::atomic<std::uint64_t>;
    Number connections{0}, open{0}, open_most{0}, authenticated{0}, refused{0}, channels{0}, execs{0}, rekeys{0},
        bytes_in{0}, bytes_out{0}, faults{0};

    /// Counts one connection more, and the most that were open at once.
    void opened() {
        ++connections;
        const auto now = ++open;
        auto most = open_most.load(std::memory_order_relaxed);
        while (most < now && !open_most.compare_exchange_weak(most, now)) {
        }
    }
    /// All on one line: `connections=3 open=1 ...`.
    std::string line() const;
};

} // namespace loom::fleet
