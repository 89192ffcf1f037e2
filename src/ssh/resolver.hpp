#pragma once
#include "core/async/stop.hpp"
#include "core/base/error.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace loom {

/// Host names to addresses. Literals need no look-up; names go to getaddrinfo on a pool of threads, as Asio's own
/// resolver has one thread for all. Answers are kept for half a minute. Any strand.
class Resolver {
public:
    using Addresses = std::vector<asio::ip::address>;
    /// `blocking` bounds how many look-ups run at once.
    explicit Resolver(const Executor& blocking) : blocking_(blocking) {}

    /// The error is in words for a person. The caller's wait ends with the limit or the stop; the look-up itself
    /// cannot be recalled and ends by the system's resolver.
    awaitable<Result<Addresses>> resolve(std::string host, std::chrono::milliseconds limit, StopToken stop);

private:
    struct Kept {
        Addresses addresses;
        std::chrono::steady_clock::time_point until;
    };
    Executor blocking_;
    std::mutex mutex_;
    std::unordered_map<std::string, Kept> kept_;
};

} // namespace loom
