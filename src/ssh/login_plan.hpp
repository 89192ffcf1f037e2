#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"
#include "core/model/node.hpp"
#include "ssh/connector.hpp"

#include <string>
#include <vector>

namespace loom {

/// Everything that decides who logs in where, and as whom the other side is recognised: the node's own words first,
/// then the defaults. A value; pure, so that it can be shown before anything is sent.
struct LoginPlan {
    std::string name; ///< as people call the node
    std::string host; ///< what is connected to: a literal address, or a name to look up
    unsigned short port = 22;
    std::string user;
    std::vector<std::string> identity_files; ///< in the order they are tried
    bool identities_named = false; ///< configured for this node: a missing file is worth a word
    Secret password;               ///< empty: none
    HostKeys host_keys = HostKeys::accept_new;
    std::chrono::seconds alive_interval{0}; ///< between keep-alive messages on a silent connection; 0: none
    std::vector<LoginPlan> jumps;  ///< the hosts between, the first one dialled first
};

/// Errc::config where the node's words contradict each other.
Result<LoginPlan> plan_login(const Node& node, const SshOptions& options);

} // namespace loom
