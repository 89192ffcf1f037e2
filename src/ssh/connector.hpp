#pragma once
#include "core/async/strands.hpp"
#include "core/base/limits.hpp"
#include "core/model/catalog.hpp"
#include "core/task/remote.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace loom {

struct SshOptions {
    Strands strands;                      ///< for connections
    Executor blocking;                    ///< for look-ups and files
    std::optional<std::vector<std::string>> known_hosts; ///< read, never written; none: as ssh_config says
    std::string own_known_hosts;          ///< read, and new keys are appended to it
    HostKeys host_keys = HostKeys::accept_new;
    std::string home; ///< where the user's default keys are: `home/.ssh/id_ed25519`
    std::string user; ///< for nodes that name none
    Milliseconds pool_idle{0};     ///< how long an idle session is kept for the next task; zero: not at all
    std::size_t pool_sessions = 0; ///< at most so many
    std::string user_config;   ///< the user's ssh_config; empty: not read
    std::string system_config; ///< the system's, read after it; empty: not read
    bool user_config_required = false; ///< named by somebody: must be there, and may be anybody's, as with `ssh -F`
    std::map<std::string, std::string> environment; ///< for `${NAME}` in ssh_config, and SSH_AUTH_SOCK
    std::string local_host; ///< this machine's name, for `%l`
    Milliseconds files_recent = limits::files_recent; ///< keys and ssh_config are compared with the disk so often
    /// The node of that name, or null: a jump host may be one. Any thread; empty: there are none.
    std::function<std::shared_ptr<const Node>(const std::string& name)> find_node;
};

/// Reaches nodes by SSH. An SshLibrary outlives it, and it outlives its calls; `close` comes before its end.
std::unique_ptr<Connector> create_ssh_connector(SshOptions options);

} // namespace loom
