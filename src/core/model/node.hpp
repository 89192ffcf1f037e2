#pragma once
#include "core/base/secret.hpp"

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <vector>

namespace loom {

/// One machine of the nodes file: how to reach it, and what is known about it.
struct Node {
    std::string name;      ///< the key of the nodes file: unique
    std::string address;   ///< `ip`, else the name: a literal address or a host name to look up
    unsigned short port = 0; ///< 0: not said, so 22
    std::string user;      ///< empty: the daemon's own
    Secret password;       ///< empty: none
    std::string identity;  ///< path of the private key, `~` expanded; empty: the user's default keys
    std::string jump;      ///< `user@host:port`, several separated by commas, or `none`; empty: not said
    std::vector<std::string> groups;
    std::map<std::string, std::string> labels;
    boost::json::object vars;
};

} // namespace loom
