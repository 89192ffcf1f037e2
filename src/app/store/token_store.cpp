#include "app/store/token_store.hpp"

#include "app/store/ledger_writer.hpp"

#include <boost/json.hpp>
#include <filesystem>

namespace loom {
namespace {

constexpr const char* columns = "SELECT name, hash, scope, jobs, nodes, caller, created_ms, expires_ms, revoked_ms, used_ms FROM tokens";

Token read_token(Database& database, const Rows& rows) {
    Token token;
    token.name = rows.text(0);
    token.hash = rows.text(1);
    const auto scope = parse_access_scope(rows.text(2));
    boost::system::error_code ec;
    const auto jobs = boost::json::parse(rows.text(3), ec);
    if (!scope || ec || !jobs.is_array()) {
        database.fail_damaged("a token's scope or jobs are none");
        return token;
    }
    token.grant.scope = *scope;
    for (const auto& job : jobs.get_array())
        if (job.is_string()) token.grant.jobs.emplace_back(job.get_string());
    token.grant.nodes = rows.text(4);
    token.by = rows.text(5);
    token.created = rows.instant(6);
    token.expires = rows.maybe_instant(7);
    token.revoked = rows.maybe_instant(8);
    token.used = rows.maybe_instant(9);
    return token;
}

class SqliteTokens final : public TokenStore {
public:
    SqliteTokens(const std::string& state_dir, StoreMode mode) : paths_(state_dir), mode_(mode) {}

    Result<std::vector<Token>> tokens() override {
        std::vector<Token> list;
        if (mode_ == StoreMode::read_only && !std::filesystem::exists(paths_.database)) return list;
        if (auto opened = open(); !opened) return opened.error();
        Transaction snapshot(*database_, Transaction::Kind::read);
        {
            auto rows = database_->query(std::string(columns) + " ORDER BY name");
            while (rows.next()) list.push_back(read_token(*database_, rows));
        }
        return snapshot.commit(std::move(list));
    }

    Result<void> add(const Token& token) override {
        return write([&]() -> std::optional<Error> {
            const auto known = find(token.name);
            if (known && known->live(token.created))
                return Error{Errc::conflict, "there is a token \"" + token.name + "\" already: revoke it, or take another name"};
            boost::json::array jobs(token.grant.jobs.begin(), token.grant.jobs.end());
            database_->execute("INSERT OR REPLACE INTO tokens (name, hash, scope, jobs, nodes, caller, created_ms, expires_ms, revoked_ms, used_ms)"
                               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               token.name, token.hash, to_string(token.grant.scope), boost::json::serialize(jobs), token.grant.nodes,
                               token.by, token.created, token.expires, token.revoked, token.used);
            return std::nullopt;
        });
    }

    Result<Token> revoke(const std::string& name, Instant now) override {
        Token revoked;
        const auto done = write([&]() -> std::optional<Error> {
            auto known = find(name);
            if (!known || !known->live(now)) return not_found("there is no token \"" + name + "\" in use");
            database_->execute("UPDATE tokens SET revoked_ms = ? WHERE name = ?", now, name);
            revoked = std::move(*known);
            revoked.revoked = now;
            return std::nullopt;
        });
        if (!done) return done.error();
        return revoked;
    }

    Result<void> note_use(const std::string& hash, Instant now) override {
        return write([&]() -> std::optional<Error> {
            database_->execute("UPDATE tokens SET used_ms = ? WHERE hash = ?", now, hash);
            return std::nullopt;
        });
    }

private:
    Result<void> open() {
        if (database_) return {};
        auto opened = Database::open(paths_.database, mode_ == StoreMode::read_only ? Database::Mode::read_only : Database::Mode::read_write);
        if (!opened) return opened.error();
        database_ = std::move(*opened);
        if (mode_ == StoreMode::read_write) database_->script("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
        return {};
    }

    std::optional<Token> find(const std::string& name) {
        auto rows = database_->query(std::string(columns) + " WHERE name = ?", name);
        if (!rows.next()) return std::nullopt;
        return read_token(*database_, rows);
    }

    template <class Change>
    Result<void> write(Change change) {
        if (mode_ == StoreMode::read_only) return Error{Errc::unavailable, paths_.folder + ": opened for reading only"};
        auto turn = FileLock::wait(paths_.write_lock);
        if (!turn) return turn.error();
        if (auto opened = open(); !opened) return opened.error();
        Transaction transaction(*database_, Transaction::Kind::write);
        if (auto refused = change()) return *refused;
        return transaction.commit();
    }

    StorePaths paths_;
    StoreMode mode_;
    std::unique_ptr<Database> database_;
};

} // namespace

std::unique_ptr<TokenStore> open_token_store(const std::string& state_dir, StoreMode mode) {
    return std::make_unique<SqliteTokens>(state_dir, mode);
}

} // namespace loom
