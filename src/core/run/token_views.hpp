#pragma once
#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// A token, without its text: nobody has that but its owner.
struct TokenView {
    std::string name, scope;
    std::vector<std::string> jobs; ///< patterns; empty: every job, and commands
    std::string nodes;             ///< a NodeSet; empty: every node
    std::string by, created;
    std::optional<std::string> expires, revoked;
    std::optional<std::string> used; ///< to the minute
    std::string state;               ///< live, expired, revoked
};
BOOST_DESCRIBE_STRUCT(TokenView, (), (name, scope, jobs, nodes, by, created, expires, revoked, used, state))

struct TokenList {
    std::vector<TokenView> items;
};
BOOST_DESCRIBE_STRUCT(TokenList, (), (items))

/// A new token: the one reply that ever holds its text.
struct NewTokenView {
    std::string token;
    TokenView about;
};
BOOST_DESCRIBE_STRUCT(NewTokenView, (), (token, about))

struct CreateToken {
    std::string name;
    std::string scope = "read";
    std::vector<std::string> jobs;
    std::string nodes;
    std::string expires; ///< a time, or a duration from now on; empty: never
};
BOOST_DESCRIBE_STRUCT(CreateToken, (), (name, scope, jobs, nodes, expires))

struct TokenName {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(TokenName, (), (name))

} // namespace loom
