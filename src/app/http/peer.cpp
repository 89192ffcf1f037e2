#include "app/http/peer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

namespace loom {

bool admits(const PeerRule& rule, const Peer& peer) {
    if (peer.uid == 0 || peer.uid == rule.own_uid) return true;
    return rule.group && std::find(peer.groups.begin(), peer.groups.end(), *rule.group) != peer.groups.end();
}

Result<Peer> read_peer(int socket) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return Error{Errc::denied, std::string("no peer credentials: ") + std::strerror(errno)};
    Peer peer;
    peer.uid = credentials.uid;
    peer.groups.push_back(credentials.gid);
    // The kernel's own bound on supplementary groups is 65,536 (NGROUPS_MAX); a kernel without SO_PEERGROUPS (before
    // 4.13) leaves the primary group alone.
    std::vector<gid_t> groups(64);
    length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    int failed = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
    if (failed != 0 && errno == ERANGE) {
        groups.resize(length / sizeof(gid_t));
        failed = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
    }
    if (failed == 0) peer.groups.insert(peer.groups.end(), groups.begin(), groups.begin() + length / sizeof(gid_t));
    return peer;
}

std::string peer_name(uid_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> space(16 << 10);
    if (::getpwuid_r(uid, &entry, space.data(), space.size(), &found) == 0 && found)
        return std::string("user:") + found->pw_name;
    return "user:" + std::to_string(uid);
}

Result<gid_t> find_group(const std::string& name) {
    group entry{};
    group* found = nullptr;
    std::vector<char> space(64 << 10);
    if (::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &found) == 0 && found) return found->gr_gid;
    return Error{Errc::config, "socket_group: there is no group \"" + name + "\" on this host"};
}

} // namespace loom
