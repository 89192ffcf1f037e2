#include "core/run/tokens.hpp"

#include "core/base/digest.hpp"
#include "core/base/duration.hpp"
#include "core/base/limits.hpp"
#include "core/base/near.hpp"
#include "core/base/utf8.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// What each token begins with, so that people and scanners of repositories know one.
constexpr std::string_view prefix = "loom_";
constexpr std::size_t name_bytes = 64, patterns_most = 100, tokens_most = 10'000;
constexpr std::chrono::minutes use_grain{1};

Error no_store() { return {Errc::unavailable, "there is no ledger to keep tokens in"}; }

bool plain(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes &&
           std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
}

Result<std::optional<Instant>> expiry(const std::string& text, Instant now) {
    if (text.empty()) return std::optional<Instant>();
    std::optional<Instant> end;
    if (const auto span = parse_duration(text)) end = now + *span;
    else if (const auto time = parse_instant(text)) end = *time;
    else return usage_error(fmt::format("--expires: \"{}\" is neither a duration such as 90d nor a time such as 2027-01-31T08:05:00Z", text));
    if (*end <= now) return usage_error(fmt::format("--expires: {} is not ahead", to_rfc3339(*end)));
    return end;
}

Result<Grant> grant_of(const CreateToken& request, const Catalog& catalog) {
    Grant grant;
    const auto scope = parse_access_scope(request.scope);
    if (!scope) {
        const std::vector<std::string> known{"read", "operate", "admin"};
        return usage_error(fmt::format("--scope: expected read, operate or admin, not \"{}\"{}", request.scope, did_you_mean(request.scope, known)));
    }
    grant.scope = *scope;
    if (request.jobs.size() > patterns_most) return usage_error(fmt::format("--jobs: at most {} patterns", patterns_most));
    for (const auto& pattern : request.jobs)
        if (pattern.empty() || pattern.size() > limits::job_name_bytes || pattern.find('/') != std::string::npos)
            return usage_error("--jobs: expected patterns of jobs' names, such as web-*");
    grant.jobs = request.jobs;
    grant.nodes = request.nodes;
    if (request.nodes.find("@failed") != std::string::npos) return usage_error("--nodes: @failed is of one run, a token is for longer");
    if (!request.nodes.empty())
        if (const auto names = catalog.expand(request.nodes); !names) return usage_error("--nodes: " + names.error().message);
    return grant;
}

} // namespace

TokenView to_view(const Token& token, Instant now) {
    TokenView view;
    view.name = token.name;
    view.scope = to_string(token.grant.scope);
    view.jobs = token.grant.jobs;
    view.nodes = token.grant.nodes;
    view.by = token.by;
    view.created = to_rfc3339(token.created);
    if (token.expires) view.expires = to_rfc3339(*token.expires);
    if (token.revoked) view.revoked = to_rfc3339(*token.revoked);
    if (token.used) view.used = to_rfc3339(*token.used);
    view.state = token.revoked ? "revoked" : token.live(now) ? "live" : "expired";
    return view;
}

bool TokenBook::ready() const {
    const std::lock_guard lock(mutex_);
    return loaded_;
}

bool TokenBook::uses_wait() const {
    const std::lock_guard lock(mutex_);
    return !uses_.empty();
}

/// Under `store_mutex_`.
Result<void> TokenBook::load() {
    if (!store_) return no_store();
    auto all = store_->tokens();
    if (!all) return all.error();
    const std::lock_guard lock(mutex_);
    by_hash_.clear();
    for (auto& token : *all) by_hash_.emplace(token.hash, std::move(token));
    loaded_ = true;
    return {};
}

Result<NewTokenView> TokenBook::create(const CreateToken& request, const std::string& by, const Catalog& catalog, Instant now) {
    const std::lock_guard turn(store_mutex_);
    if (!store_) return no_store();
    if (!plain(request.name))
        return usage_error(fmt::format("NAME: expected at most {} letters, digits, '.', '_' and '-'", name_bytes));
    auto grant = grant_of(request, catalog);
    if (!grant) return grant.error();
    auto expires = expiry(request.expires, now);
    if (!expires) return expires.error();
    if (auto loaded = load(); !loaded) return loaded.error();
    if (by_hash_.size() >= tokens_most) return Error{Errc::conflict, fmt::format("there are {} tokens already", tokens_most)};
    NewTokenView made;
    made.token = std::string(prefix) + random_hex(32);
    Token token;
    token.name = request.name;
    token.hash = sha256_hex(made.token);
    token.grant = std::move(*grant);
    token.by = by;
    token.created = now;
    token.expires = *expires;
    if (auto added = store_->add(token); !added) return added.error();
    if (auto loaded = load(); !loaded) return loaded.error();
    made.about = to_view(token, now);
    return made;
}

Result<TokenList> TokenBook::list(Instant now) {
    note_uses();
    const std::lock_guard turn(store_mutex_);
    if (!store_) return no_store();
    const auto all = store_->tokens();
    if (!all) return all.error();
    TokenList list;
    for (const auto& token : *all) list.items.push_back(to_view(token, now));
    return list;
}

Result<TokenView> TokenBook::revoke(const std::string& name, Instant now) {
    const std::lock_guard turn(store_mutex_);
    if (!store_) return no_store();
    const auto revoked = store_->revoke(name, now);
    if (!revoked) return revoked.error();
    if (auto loaded = load(); !loaded) return loaded.error();
    return to_view(*revoked, now);
}

Result<Principal> TokenBook::find(const std::string& text, Instant now) {
    if (!ready()) {
        const std::lock_guard turn(store_mutex_);
        if (auto loaded = load(); !loaded) return loaded.error();
    }
    // By its hash: how long the look-up takes tells nothing of any token's text.
    const auto hash = sha256_hex(text);
    const std::lock_guard lock(mutex_);
    const auto found = by_hash_.find(hash);
    if (found == by_hash_.end()) return Error{Errc::denied, "this token is not known"};
    auto& token = found->second;
    if (token.revoked) return Error{Errc::denied, "this token was revoked"};
    if (!token.live(now)) return Error{Errc::denied, "this token has expired"};
    if (!token.used || now - *token.used >= use_grain) {
        token.used = now;
        uses_[hash] = now;
    }
    return Principal{"token:" + token.name, token.grant};
}

void TokenBook::note_uses() {
    std::unordered_map<std::string, Instant> uses;
    {
        const std::lock_guard lock(mutex_);
        uses.swap(uses_);
    }
    const std::lock_guard turn(store_mutex_);
    for (const auto& [hash, at] : uses)
        if (store_ && !store_->note_use(hash, at)) return; // told by the next of the ledger's own records
}

} // namespace loom
