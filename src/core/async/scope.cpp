#include "core/async/scope.hpp"

namespace loom {

void Scope::start(const Executor& executor, std::function<awaitable<void>()> make) {
    ++live_;
    asio::co_spawn(executor, std::move(make), [this](std::exception_ptr error) { finished(error); });
}

void Scope::finished(std::exception_ptr error) {
    if (error) {
        const std::lock_guard lock(mutex_);
        if (!first_) first_ = error;
    }
    // The bell is copied first: the owner may destroy the scope as soon as the count is zero.
    const auto bell = bell_;
    if (--live_ == 0) bell.ring();
}

awaitable<void> Scope::join() {
    while (live_ > 0) co_await bell_.wait();
    std::exception_ptr error;
    {
        const std::lock_guard lock(mutex_);
        std::swap(error, first_);
    }
    if (error) std::rethrow_exception(error);
}

} // namespace loom
