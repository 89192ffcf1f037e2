#pragma once
#include "core/async/bell.hpp"
#include "core/async/stop.hpp"

#include <deque>
#include <memory>
#include <mutex>

namespace loom {

struct SlotsState;

/// A counting semaphore for coroutines on any strand, first come first served. Its width may change: what is held
/// above a smaller one is not taken away, it is only not given out again.
class Slots {
public:
    explicit Slots(std::size_t count) : state_(std::make_shared<State>(count)) {}

    /// Holds one slot; gives it back on `release` or when it goes.
    class [[nodiscard]] Hold {
    public:
        Hold() = default;
        Hold(Hold&&) noexcept = default;
        Hold& operator=(Hold&& other) noexcept;
        ~Hold() { release(); }
        explicit operator bool() const { return state_ != nullptr; }
        void release();

    private:
        friend class Slots;
        std::shared_ptr<SlotsState> state_;
    };

    /// Waits for a slot on the current executor; an empty Hold when `stop` was requested first.
    awaitable<Hold> acquire(StopToken stop);
    /// A slot that is free right now and that nobody waits for, else an empty Hold.
    Hold try_acquire();
    void resize(std::size_t count);
    std::size_t held() const;
    /// Whether anybody waits for a slot.
    bool wanted() const;

private:
    using State = SlotsState;
    std::shared_ptr<State> state_;
};

struct SlotsState {
    explicit SlotsState(std::size_t width) : count(width) {}
    struct Waiter {
        explicit Waiter(const Executor& executor) : bell(executor) {}
        Bell bell;
        bool granted = false; ///< guarded by the mutex
    };
    bool take(); ///< under the mutex, as is `grant`
    void grant();

    std::mutex mutex;
    std::size_t count;
    std::size_t held = 0;
    std::deque<std::shared_ptr<Waiter>> waiting;
};

} // namespace loom
