#pragma once
#include "core/run/change_log.hpp"
#include "core/run/token_store.hpp"

#include <map>
#include <mutex>

namespace loom {

/// TokenStore in memory.
class MemoryTokens final : public TokenStore {
public:
    Result<std::vector<Token>> tokens() override {
        const std::scoped_lock lock(mutex_);
        std::vector<Token> list;
        for (const auto& [name, token] : tokens_) list.push_back(token);
        return list;
    }
    Result<void> add(const Token& token) override {
        const std::scoped_lock lock(mutex_);
        const auto found = tokens_.find(token.name);
        if (found != tokens_.end() && found->second.live(token.created))
            return Error{Errc::conflict, "there is a token \"" + token.name + "\" already"};
        tokens_[token.name] = token;
        return {};
    }
    Result<Token> revoke(const std::string& name, Instant now) override {
        const std::scoped_lock lock(mutex_);
        const auto found = tokens_.find(name);
        if (found == tokens_.end() || !found->second.live(now)) return not_found("there is no token \"" + name + "\" in use");
        found->second.revoked = now;
        return found->second;
    }
    Result<void> note_use(const std::string& hash, Instant now) override {
        const std::scoped_lock lock(mutex_);
        for (auto& [name, token] : tokens_)
            if (token.hash == hash) token.used = now;
        return {};
    }

private:
    std::mutex mutex_;
    std::map<std::string, Token> tokens_;
};

/// ChangeLog in memory: a test says what changed, and what is gone.
class MemoryChanges final : public ChangeLog {
public:
    std::uint64_t add(const std::string& run, RunState state, const std::string& job = "backup") {
        const std::scoped_lock lock(mutex_);
        StateChange change;
        change.number = ++newest_;
        change.state = state;
        change.run.id = run;
        change.run.job = job;
        change.run.state = state;
        changes_[change.number] = std::move(change);
        return newest_;
    }
    void forget_up_to(std::uint64_t number) {
        const std::scoped_lock lock(mutex_);
        changes_.erase(changes_.begin(), changes_.upper_bound(number));
    }
    Result<ChangePage> after(std::uint64_t number, std::size_t most) override {
        const std::scoped_lock lock(mutex_);
        ++asked;
        ChangePage page;
        page.newest = newest_;
        for (auto at = changes_.upper_bound(number); at != changes_.end() && page.items.size() < most; ++at) page.items.push_back(at->second);
        page.lost = page.items.empty() ? number < newest_ : page.items.back().number - number != page.items.size();
        return page;
    }
    std::size_t asked = 0;

private:
    std::mutex mutex_;
    std::map<std::uint64_t, StateChange> changes_;
    std::uint64_t newest_ = 0;
};

} // namespace loom
