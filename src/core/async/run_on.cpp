#include "core/async/run_on.hpp"

namespace loom {

awaitable<void> run_on(Executor executor, std::function<awaitable<void>()> work) {
    const auto here = co_await asio::this_coro::executor;
    if (here == executor) co_await work();
    else co_await asio::co_spawn(std::move(executor), std::move(work), asio::use_awaitable);
}

} // namespace loom
