#pragma once
#include "core/base/error.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace loom {

/// Who is at the other end of a unix socket, as the kernel says (SO_PEERCRED and SO_PEERGROUPS, socket(7), unix(7)).
struct Peer {
    uid_t uid = 0;
    std::vector<gid_t> groups; ///< the primary one first
};

/// Whom the socket lets in: root, the daemon's own user and the members of one group.
struct PeerRule {
    uid_t own_uid = 0;
    std::optional<gid_t> group;
};

/// Pure.
bool admits(const PeerRule& rule, const Peer& peer);

Result<Peer> read_peer(int socket);

/// `user:NAME`, or `user:UID` for one without a name. Asks the system's user database: blocks.
std::string peer_name(uid_t uid);

/// Errc::config for an unknown group. Blocks.
Result<gid_t> find_group(const std::string& name);

} // namespace loom
