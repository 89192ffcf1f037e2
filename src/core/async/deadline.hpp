#pragma once
#include "core/async/asio.hpp"

#include <functional>
#include <memory>

namespace loom {

/// Calls `expired` on the executor after `limit`, unless it goes first. A limit of zero means none.
/// Lives on one strand. A timer's completion may be queued already when it is cancelled, so the handler looks at a
/// shared flag (upstream behaviour of Asio timers, kept on purpose).
class Deadline {
public:
    Deadline(const Executor& executor, std::chrono::steady_clock::duration limit, std::function<void()> expired);
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline();

    bool fired() const { return state_->fired; }
    /// Starts the time anew: for idle limits.
    void restart();

private:
    struct State {
        bool alive = true;
        bool fired = false;
        std::uint64_t round = 0;
        std::function<void()> expired;
    };
    void arm();

    std::shared_ptr<State> state_ = std::make_shared<State>();
    std::chrono::steady_clock::duration limit_;
    asio::steady_timer timer_;
};

/// Suspends for `time` on the current executor, or until `stop` is requested; true when the whole time passed.
class StopToken;
awaitable<bool> pause_for(std::chrono::steady_clock::duration time, StopToken stop);

} // namespace loom
