#pragma once
#include "ssh/identity.hpp"
#include "ssh/session.hpp"

#include <string>
#include <vector>

namespace loom {

/// What a node is logged in with, in the order it is tried: keys, password, keyboard-interactive with the password.
struct Credentials {
    std::string user;
    std::vector<Identity> identities;
    Secret password;
    std::vector<std::string> left_out; ///< keys that cannot be used, with the reason
};

struct LoginResult {
    enum class Kind { done, refused, dropped } kind = Kind::refused; ///< dropped: the connection ended before any refusal
    std::string message; ///< why not, without the node's name
};

/// Logs in; a killed session gives `dropped`.
awaitable<LoginResult> log_in(std::shared_ptr<Session> session, Credentials credentials);

} // namespace loom
