#pragma once
#include "core/model/become.hpp"

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <vector>

namespace loom {

/// One machine of the nodes file: how to reach it, and what is known about it.
struct Node {
    std::string name;      ///< the key of the nodes file: unique
    std::string address;   ///< `ip`, else the name: a literal address or a host name to look up
    unsigned short port = 0; ///< 0: not said, so ssh_config's, else 22
    std::string user;      ///< empty: not said, so ssh_config's, else the daemon's own
    Secret password;       ///< empty: none
    Secret passphrase;     ///< of the private key; empty: none
    std::string identity;  ///< path of the private key, `~` expanded; empty: not said
    std::string jump;      ///< `user@host:port`, several separated by commas, or `none`; empty: not said
    Become become;         ///< how commands that become another user do so here; empty: not said
    std::vector<std::string> groups;
    std::map<std::string, std::string> labels;
    boost::json::object vars;
    std::string place;     ///< where it is defined, `nodes.yaml:12`; empty: made on demand
};

} // namespace loom
