#pragma once
#include "core/async/asio.hpp"

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

namespace loom {

/// Runs `work()` on another executor (a thread pool for calls that block) and resumes where it was called.
/// The work takes values and owners: the caller's frame lives on, but may be moved to another thread's cache.
/// Exceptions come back to the caller.
awaitable<void> offload(Executor pool, std::function<void()> work);

template <class F>
    requires(!std::is_void_v<std::invoke_result_t<F>>)
awaitable<std::invoke_result_t<F>> offload(Executor pool, F work) {
    const auto result = std::make_shared<std::optional<std::invoke_result_t<F>>>();
    std::function<void()> keep = [result, inner = std::move(work)]() mutable { *result = inner(); };
    co_await offload(std::move(pool), std::move(keep));
    co_return std::move(**result);
}

} // namespace loom
