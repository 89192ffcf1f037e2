#pragma once
#include "core/async/bell.hpp"

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>

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
    /// its captures are safe to use inside, and goes before `join` returns: they may refer to what the owner has.
    template <class F>
    void spawn(const Executor& executor, F make) {
        start(executor, std::make_shared<ChildOf<F>>(std::move(make)));
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
    /// Of any type of callable, so that starting one is compiled once.
    struct Child {
        virtual ~Child() = default;
        virtual awaitable<void> begin() = 0;
        virtual void drop() = 0; ///< the callable with its captures
    };
    template <class F>
    struct ChildOf final : Child {
        explicit ChildOf(F given) : make(std::move(given)) {}
        awaitable<void> begin() override { return (*make)(); }
        void drop() override { make.reset(); }
        std::optional<F> make;
    };
    void start(const Executor& executor, std::shared_ptr<Child> child);
    void finished(std::exception_ptr error);

    Bell bell_;
    Executor executor_;
    std::atomic<std::size_t> live_{0};
    std::mutex mutex_;
    std::exception_ptr first_;
};

} // namespace loom
