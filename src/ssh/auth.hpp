#pragma once
#include "core/async/stop.hpp"
#include "ssh/offers.hpp"
#include "ssh/session.hpp"

#include <string>

namespace loom {

struct LoginResult {
    enum class Kind { done, refused, dropped } kind = Kind::refused; ///< dropped: the connection ended before any refusal
    std::string message; ///< why not, without the node's name
    std::string tried;   ///< what was tried in order, keys with their fingerprints, and what came of each
};

/// Logs in: the keys of `order_offers`, then the password, then keyboard-interactive with the password. `stop` ends the
/// waits for an ssh-agent; a killed session the others, and gives `dropped`.
awaitable<LoginResult> log_in(std::shared_ptr<Session> session, Credentials credentials, StopToken stop);

} // namespace loom
