#pragma once
#include "app/cli/context.hpp"

namespace loom {

/// Has a client come back over a network that fails for a while: what it follows goes on meanwhile.
class Reconnect {
public:
    Reconnect(CommandContext& context, const OpenService& open) : context_(context), remote_(open.remote) {}

    /// True after a pause: try again. False: this error is for the caller, or it has taken too long. The first time of several it
    /// calls `before` and says why.
    awaitable<bool> after(const Error& error, std::function<void()> before = {});
    /// The connection stands again.
    void reached() { lost_.reset(); }

private:
    CommandContext& context_;
    const bool remote_;
    std::optional<std::chrono::steady_clock::time_point> lost_; ///< since when no connection has come about
};

} // namespace loom
