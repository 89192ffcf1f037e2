#include "app/cli/reconnect.hpp"

#include "app/cli/answer.hpp"
#include "core/async/deadline.hpp"
#include "core/async/stop.hpp"
#include "core/base/limits.hpp"

namespace loom {

awaitable<bool> Reconnect::after(const Error& error, std::function<void()> before) {
    if (!remote_ || error.code != Errc::unavailable) co_return false;
    const auto now = std::chrono::steady_clock::now();
    if (!lost_) {
        if (before) before();
        say(context_, error.message + "; trying again");
        lost_ = now;
    }
    if (now - *lost_ > limits::reconnect_time) co_return false;
    const StopToken never;
    const bool waited = co_await pause_for(context_.reconnect_pause, never);
    (void)waited;
    co_return true;
}

} // namespace loom
