#pragma once
#include "ssh/session.hpp"

namespace loom {

struct Tunnel {
    std::unique_ptr<Transport> transport; ///< null: see `code` and `message`
    long code = 0;                        ///< libssh2's
    std::string message;                  ///< the jump host's words
    bool timed_out = false;
};

/// Asks the jump host's session for a connection to `host`, which the jump host looks up (RFC 4254, section 7.2). On the
/// outer session's strand, as everything that then goes through the tunnel. Whoever waits no longer than `limit`, or was
/// stopped, leaves the outer session in order. libssh2 opens one channel at a time: a host that does not answer holds the others up
/// until then, which is why a bastion has several sessions.
awaitable<Tunnel> open_tunnel(std::shared_ptr<Session> outer, std::string host, unsigned short port, Milliseconds limit,
                              StopToken stop);

} // namespace loom
