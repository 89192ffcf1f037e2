#pragma once
#include "core/model/catalog.hpp"
#include "core/task/remote.hpp"

#include <memory>
#include <string>
#include <vector>

namespace loom {

struct SshOptions {
    Executor io;                          ///< for connections: each has a strand of its own
    Executor blocking;                    ///< for look-ups and files
    std::vector<std::string> known_hosts; ///< read, never written
    std::string own_known_hosts;          ///< read, and new keys are appended to it
    HostKeys host_keys = HostKeys::accept_new;
    std::string home; ///< where the user's default keys are: `home/.ssh/id_ed25519`
    std::string user; ///< for nodes that name none
    Milliseconds pool_idle{0};     ///< how long an idle session is kept for the next task; zero: not at all
    std::size_t pool_sessions = 0; ///< at most so many
};

/// Reaches nodes by SSH. An SshLibrary outlives it, and it outlives its calls; `close` comes before its end.
std::unique_ptr<Connector> create_ssh_connector(SshOptions options);

} // namespace loom
