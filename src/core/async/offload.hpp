#pragma once
#include "core/async/asio.hpp"

#include <boost/asio/thread_pool.hpp>
#include <optional>
#include <type_traits>

namespace loom {

/// Runs `work()` on another executor (a thread pool for calls that block) and resumes where it was called.
/// The work takes values and owners: the caller's frame lives on, but may be moved to another thread's cache.
/// Exceptions come back to the caller.
template <class F>
awaitable<std::invoke_result_t<F>> offload(Executor pool, F work) {
    // co_spawn of a named coroutine object: a temporary lambda here is miscompiled by GCC 12 (docs/architecture.md, "Coroutines").
    auto body = [](F inner) -> awaitable<std::invoke_result_t<F>> { co_return inner(); };
    auto started = body(std::move(work));
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
        co_await asio::co_spawn(pool, std::move(started), asio::use_awaitable);
    } else {
        co_return co_await asio::co_spawn(pool, std::move(started), asio::use_awaitable);
    }
}

} // namespace loom
