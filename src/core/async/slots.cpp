#include "core/async/slots.hpp"

#include <utility>

namespace loom {

bool SlotsState::take() {
    if (held >= count) return false;
    ++held;
    return true;
}

/// A slot passes straight to the first waiter, so that a newcomer cannot overtake it.
void SlotsState::grant() {
    while (!waiting.empty() && take()) {
        const auto waiter = waiting.front();
        waiting.pop_front();
        waiter->granted = true;
        waiter->bell.ring();
    }
}

awaitable<Slots::Hold> Slots::acquire(StopToken stop) {
    const auto state = state_;
    const auto executor = co_await asio::this_coro::executor;
    Hold hold;
    std::shared_ptr<State::Waiter> waiter;
    {
        const std::lock_guard lock(state->mutex);
        if (stop.requested()) co_return hold;
        if (state->take()) {
            hold.state_ = state;
            co_return hold;
        }
        waiter = std::make_shared<State::Waiter>(executor);
        state->waiting.push_back(waiter);
    }
    auto ring = [bell = waiter->bell](StopReason) { bell.ring(); };
    const auto registration = stop.on_stop(executor, std::move(ring));
    co_await waiter->bell.wait();
    const std::lock_guard lock(state->mutex);
    if (waiter->granted) hold.state_ = state;
    else std::erase(state->waiting, waiter);
    co_return hold;
}

Slots::Hold Slots::try_acquire() {
    Hold hold;
    const std::lock_guard lock(state_->mutex);
    if (state_->take()) hold.state_ = state_;
    return hold;
}

void Slots::resize(std::size_t count) {
    const std::lock_guard lock(state_->mutex);
    state_->count = count;
    state_->grant();
}

bool Slots::wanted() const {
    const std::lock_guard lock(state_->mutex);
    return !state_->waiting.empty();
}

std::size_t Slots::held() const {
    const std::lock_guard lock(state_->mutex);
    return state_->held;
}

void Slots::Hold::release() {
    const auto state = std::exchange(state_, nullptr);
    if (!state) return;
    const std::lock_guard lock(state->mutex);
    --state->held;
    state->grant();
}

Slots::Hold& Slots::Hold::operator=(Hold&& other) noexcept {
    if (this != &other) {
        release();
        state_ = std::move(other.state_);
    }
    return *this;
}

} // namespace loom
