#include "core/async/bell.hpp"

#include <utility>

namespace loom {

Bell::Bell(const Executor& executor) : state_(std::make_shared<State>(executor)) {}

void Bell::ring() const {
    asio::post(state_->executor, [bell = *this] { bell.ring_here(); });
}

void Bell::ring_here() const {
    state_->rung = true;
    state_->timer.cancel();
}

awaitable<void> Bell::wait() {
    const auto state = state_;
    while (!std::exchange(state->rung, false)) {
        state->timer.expires_at(asio::steady_timer::time_point::max());
        auto [ec] = co_await state->timer.async_wait(tup);
        (void)ec;
    }
}

awaitable<bool> Bell::wait_for(std::chrono::steady_clock::duration most) {
    const auto state = state_;
    const auto end = std::chrono::steady_clock::now() + most;
    while (!state->rung) {
        state->timer.expires_at(end);
        auto [ec] = co_await state->timer.async_wait(tup);
        if (!ec) break;
    }
    co_return std::exchange(state->rung, false);
}

} // namespace loom
