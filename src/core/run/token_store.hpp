#pragma once
#include "core/base/error.hpp"
#include "core/model/access.hpp"
#include "core/time/instant.hpp"

#include <optional>
#include <string>
#include <vector>

namespace loom {

/// A bearer token as it is kept: its own text is nowhere, only the SHA-256 of it.
struct Token {
    std::string name;
    std::string hash; ///< 64 hexadecimal digits
    Grant grant;
    std::string by; ///< who made it
    Instant created{};
    std::optional<Instant> expires, revoked;
    std::optional<Instant> used; ///< lately: to the minute

    bool live(Instant now) const { return !revoked && (!expires || *expires > now); }
    friend bool operator==(const Token&, const Token&) = default;
};

/// Port: the tokens. Called from one thread at a time; blocks on the disk. Errors are Errc::unavailable unless said otherwise.
class TokenStore {
public:
    virtual ~TokenStore() = default;

    /// By their names.
    virtual Result<std::vector<Token>> tokens() = 0;
    /// A new one; it takes the place of a dead one of its name, and where one of the name lives it is an Errc::conflict.
    virtual Result<void> add(const Token& token) = 0;
    /// Errc::not_found where no token of the name lives.
    virtual Result<Token> revoke(const std::string& name, Instant now) = 0;
    /// It was used; nothing for one that is not there.
    virtual Result<void> note_use(const std::string& hash, Instant now) = 0;
};

} // namespace loom
