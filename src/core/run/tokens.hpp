#pragma once
#include "core/model/catalog.hpp"
#include "core/run/token_store.hpp"
#include "core/run/token_views.hpp"

#include <mutex>
#include <unordered_map>

namespace loom {

/// The tokens as requests see them: kept in memory, so that a request costs a hash and a look-up; every change goes to the
/// store first. `store` is called on the thread of whoever calls, so all but `find` block. One process that serves makes all
/// changes.
class TokenBook {
public:
    explicit TokenBook(TokenStore* store) : store_(store) {}

    /// Errc::usage for a name, scope, NodeSet or time that is none; Errc::conflict for a name in use.
    Result<NewTokenView> create(const CreateToken& request, const std::string& by, const Catalog& catalog, Instant now);
    Result<TokenList> list(Instant now);
    Result<TokenView> revoke(const std::string& name, Instant now);

    /// Who the text stands for; Errc::denied where it stands for nobody, and why. Reads the store once, at the first call.
    Result<Principal> find(const std::string& text, Instant now);
    /// Whether `find` answers without the disk. Any thread.
    bool ready() const;
    /// Whether `note_uses` has something to write. Any thread.
    bool uses_wait() const;
    /// Writes down which tokens were used since the last call.
    void note_uses();

private:
    Result<void> load();

    TokenStore* store_;
    mutable std::mutex mutex_; ///< guards what follows
    std::mutex store_mutex_;   ///< one thread at a time
    bool loaded_ = false;
    std::unordered_map<std::string, Token> by_hash_;
    std::unordered_map<std::string, Instant> uses_; ///< hash → when; not yet written
};

TokenView to_view(const Token& token, Instant now);

} // namespace loom
