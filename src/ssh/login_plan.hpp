#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"
#include "core/model/job.hpp"
#include "core/model/node.hpp"
#include "ssh/connector.hpp"
#include "ssh/known_hosts.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace loom {

class SshConfig;

/// Everything that decides who logs in where, and as whom the other side is recognised: the node's own words first,
/// then ssh_config's, then the defaults. A value; pure, so that it can be shown before anything is sent.
struct LoginPlan {
    std::string name; ///< as people call the node
    std::string host; ///< what is connected to: a literal address, or a name to look up
    unsigned short port = 22;
    std::string user;
    std::vector<std::string> identity_files; ///< private keys, in the order they are tried
    bool identities_named = false; ///< configured for this node: a missing file is worth a word
    std::vector<std::string> certificate_files; ///< named ones; those beside a key (`KEY-cert.pub`) count as well
    bool identities_only = false;  ///< the agent offers only the keys of identity_files
    std::string agent_socket;      ///< the agent's unix socket; empty: none is asked
    Secret passphrase;             ///< of encrypted identity files; empty: none
    Secret password;               ///< empty: none
    HostKeys host_keys = HostKeys::accept_new;
    std::string host_key_alias;    ///< looked up and recorded in place of host and port; empty: none
    std::vector<std::string> known_hosts; ///< read before Loom's own: the user's, then the system's
    std::optional<Milliseconds> connect_timeout; ///< none: not said
    std::chrono::seconds alive_interval{0}; ///< between keep-alive messages on a silent connection; 0: none
    std::vector<LoginPlan> jumps;  ///< the hosts between, the first one dialled first; their own `jumps` are empty
};

/// How known_hosts files name the machine: by its alias alone where it has one.
HostNames host_names(const LoginPlan& plan);

/// The job's own word, else ssh_config's, else limits::connect_timeout; 0: none.
Milliseconds connect_timeout(const LoginPlan& plan, const Timeouts& job);

/// A jump host that is a node (SshOptions::find_node) is reached by that node's own words.
/// Errc::config where the node is configured in a way that cannot be obeyed, with the place. `shown` gets what is in force
/// and where it was said, for people; null: nobody wants to see it.
Result<LoginPlan> plan_login(const Node& node, const SshOptions& options, const SshConfig& config,
                             std::vector<NodeSetting>* shown = nullptr);

} // namespace loom
