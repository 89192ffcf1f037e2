#include "ssh/resolver.hpp"

#include "core/async/bell.hpp"
#include "core/base/duration.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <netdb.h>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

constexpr std::chrono::seconds kept_for{30};
constexpr std::size_t kept_names = 20'000; ///< about twice the largest fleet; beyond it the table starts anew

Result<Resolver::Addresses> look_up(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (code != 0) return Error{Errc::unavailable, fmt::format("cannot resolve {}: {}", host, ::gai_strerror(code))};
    Resolver::Addresses addresses;
    for (const auto* entry = list; entry; entry = entry->ai_next) {
        asio::ip::tcp::endpoint endpoint;
        if (entry->ai_addrlen > endpoint.capacity()) continue;
        std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
        if (std::ranges::find(addresses, endpoint.address()) == addresses.end()) addresses.push_back(endpoint.address());
    }
    ::freeaddrinfo(list);
    if (addresses.empty()) return Error{Errc::unavailable, fmt::format("{} has no address", host)};
    return addresses;
}

/// Shared with the pool's thread, which may still be in getaddrinfo when nobody waits any more.
struct LookUp {
    explicit LookUp(const Executor& executor) : bell(executor) {}
    Bell bell;
    Result<Resolver::Addresses> result = Error{};
    std::atomic<bool> done{false};
};

} // namespace

awaitable<Result<Resolver::Addresses>> Resolver::resolve(std::string host, std::chrono::milliseconds limit, StopToken stop) {
    error_code not_literal;
    const auto literal = asio::ip::make_address(host, not_literal);
    if (!not_literal) co_return Addresses{literal};

    const auto now = std::chrono::steady_clock::now();
    {
        const std::lock_guard lock(mutex_);
        const auto found = kept_.find(host);
        if (found != kept_.end() && found->second.until > now) co_return found->second.addresses;
    }

    const auto executor = co_await asio::this_coro::executor;
    const auto job = std::make_shared<LookUp>(executor);
    asio::post(blocking_, [job, host] {
        job->result = look_up(host);
        job->done = true;
        job->bell.ring();
    });
    auto ring = [bell = job->bell](StopReason) { bell.ring(); };
    const auto registration = stop.on_stop(executor, std::move(ring));
    if (limit.count() > 0) (void)co_await job->bell.wait_for(limit);
    else co_await job->bell.wait();
    if (!job->done)
        co_return Error{Errc::unavailable, fmt::format("cannot resolve {} within {}", host, short_duration(limit))};

    if (job->result) {
        const std::lock_guard lock(mutex_);
        if (kept_.size() >= kept_names) kept_.clear();
        kept_[host] = Kept{*job->result, now + kept_for};
    }
    co_return job->result;
}

} // namespace loom
