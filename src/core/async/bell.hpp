#pragma once
#include "core/async/asio.hpp"

#include <memory>

namespace loom {

/// A doorbell for one coroutine: `ring` from any thread ends the owner's `wait` and is remembered until then.
/// `wait` is called on the executor given at construction (a strand, or a one-thread context).
class Bell {
public:
    explicit Bell(const Executor& executor);

    /// Any thread. Rings between two waits count as one.
    void ring() const;
    /// As `ring`, but from the bell's own executor, and at once.
    void ring_here() const;

    /// Returns after the next ring; at once when one came since the last wait.
    awaitable<void> wait();

    /// As `wait`, but at most for `most`; true when it was rung.
    awaitable<bool> wait_for(std::chrono::steady_clock::duration most);

private:
    struct State {
        explicit State(const Executor& ex) : executor(ex), timer(ex) {}
        Executor executor;
        asio::steady_timer timer;
        bool rung = false;
    };
    std::shared_ptr<State> state_;
};

} // namespace loom
