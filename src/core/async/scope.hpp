#pragma once
#include "core/async/bell.hpp"

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>

namespace loom {

/// Owns spawned coroutines: nothing is detached, and the owner joins before it goes.
/// `spawn` may be called on any thread; `join` on the executor given at construction.
/// An exception out of a child is kept and thrown by `join`: it is a bug, not an outcome.
class Scope {
public:
    explicit Scope(const Executor& executor) : bell_(executor), executor_(executor) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    /// Starts `make()` (an awaitable<void>) on `executor`. The callable itself is kept until the coroutine ends, so
    /// its captures are safe to use inside.
    template <class F>
    void spawn(const Executor& executor, F make) {
        // Shared, as std::function copies and what is captured may not.
        start(executor, [kept = std::make_shared<F>(std::move(make))] { return (*kept)(); });
    }
    template <class F>
    void spawn(F make) {
        spawn(executor_, std::move(make));
    }

    /// Returns when every child has ended; what ends the wait is the children's own deadlines or stop tokens.
    awaitable<void> join();

    const Executor& executor() const { return executor_; }
    std::size_t live() const { return live_; }

private:
    void start(const Executor& executor, std::function<awaitable<void>()> make);
    void finished(std::exception_ptr error);

    Bell bell_;
    Executor executor_;
    std::atomic<std::size_t> live_{0};
    std::mutex mutex_;
    std::exception_ptr first_;
};

} // namespace loom
