#include "core/async/scope.hpp"

namespace loom {

void Scope::start(const Executor& executor, std::shared_ptr<Child> child) {
    ++live_;
    // Asio lets what it starts go only after it has told its end, when the owner may be gone.
    auto begin = [child] { return child->begin(); };
    asio::co_spawn(executor, std::move(begin), [this, child](std::exception_ptr error) {
        child->drop();
        finished(error);
    });
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
