#include "core/async/offload.hpp"

namespace loom {

awaitable<void> offload(Executor pool, std::function<void()> work) {
    const auto here = co_await asio::this_coro::executor;
    // Two posts; a coroutine on the pool would cost its frame and its bookkeeping as well.
    const auto begin = [](auto handler, Executor there, Executor back, std::function<void()> inner) {
        auto step = [handler = std::move(handler), back = std::move(back), inner = std::move(inner)]() mutable {
            std::exception_ptr thrown;
            try {
                inner();
            } catch (...) {
                thrown = std::current_exception();
            }
            inner = nullptr; // what it holds goes on the thread that used it
            asio::post(back, [handler = std::move(handler), thrown]() mutable { std::move(handler)(thrown); });
        };
        asio::post(there, std::move(step));
    };
    const auto& token = asio::use_awaitable;
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(begin, token, std::move(pool), here,
                                                                                           std::move(work));
}

} // namespace loom
