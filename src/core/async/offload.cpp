#include "core/async/offload.hpp"

namespace loom {

awaitable<void> offload(Executor pool, std::function<void()> work) {
    // co_spawn of a named coroutine object: a temporary lambda here is miscompiled by GCC 12 (docs/architecture.md, "Coroutines").
    const auto body = [](std::function<void()> inner) -> awaitable<void> {
        inner();
        co_return;
    };
    auto started = body(std::move(work));
    co_await asio::co_spawn(std::move(pool), std::move(started), asio::use_awaitable);
}

} // namespace loom
