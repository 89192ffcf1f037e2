#pragma once
#include "core/async/asio.hpp"

#include <optional>
#include <type_traits>

namespace loom {

/// Runs the coroutine on a new strand of `executor`, whose threads are others than the caller's, and blocks the caller until
/// it has ended: what is made for one strand, such as a Bell, is safe in it on a pool too. A strand's own strand excludes
/// whatever else runs on that one. Exceptions come back to the caller.
void block_on(const Executor& executor, awaitable<void> work);

template <class T>
    requires(!std::is_void_v<T>)
T block_on(const Executor& executor, awaitable<T> work) {
    std::optional<T> result;
    // The frame keeps the parameters, and this function's own frame outlives it.
    const auto keep = [](awaitable<T> inner, std::optional<T>& into) -> awaitable<void> { into = co_await std::move(inner); };
    block_on(executor, keep(std::move(work), result));
    return std::move(*result);
}

} // namespace loom
