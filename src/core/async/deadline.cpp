#include "core/async/deadline.hpp"

#include "core/async/bell.hpp"
#include "core/async/stop.hpp"

namespace loom {

Deadline::Deadline(const Executor& executor, std::chrono::steady_clock::duration limit, std::function<void()> expired)
    : limit_(limit), timer_(executor) {
    state_->expired = std::move(expired);
    arm();
}

Deadline::~Deadline() { state_->alive = false; }

void Deadline::restart() {
    ++state_->round;
    arm();
}

void Deadline::arm() {
    if (limit_ <= limit_.zero()) return;
    timer_.expires_after(limit_);
    timer_.async_wait([state = state_, round = state_->round](error_code ec) {
        if (ec || !state->alive || state->round != round) return;
        state->fired = true;
        state->expired();
    });
}

awaitable<bool> pause_for(std::chrono::steady_clock::duration time, StopToken stop) {
    const auto executor = co_await asio::this_coro::executor;
    Bell bell(executor);
    auto ring = [bell](StopReason) { bell.ring(); };
    const auto registration = stop.on_stop(executor, std::move(ring));
    const bool rung = co_await bell.wait_for(time);
    co_return !rung;
}

} // namespace loom
