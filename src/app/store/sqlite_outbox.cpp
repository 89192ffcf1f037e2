#include "app/store/sqlite_outbox.hpp"

#include "app/store/ledger_writer.hpp"
#include "app/store/schema.hpp"
#include "core/base/limits.hpp"

#include <filesystem>

namespace loom {
namespace {

const std::string entry_columns = "SELECT key, id, rule, event, created_ms, next_ms, attempts, error, dead FROM outbox ";

std::vector<OutboxEntry> read_entries(Rows rows) {
    std::vector<OutboxEntry> entries;
    while (rows.next()) {
        OutboxEntry entry;
        entry.key = rows.integer(0);
        entry.id = rows.text(1);
        entry.rule = rows.text(2);
        entry.event = rows.text(3);
        entry.created = rows.instant(4);
        entry.next = rows.instant(5);
        entry.attempts = static_cast<std::uint32_t>(rows.integer(6));
        entry.error = rows.text(7);
        entry.dead = rows.integer(8) != 0;
        entries.push_back(std::move(entry));
    }
    return entries;
}

Result<std::unique_ptr<Database>> open_current(const StorePaths& paths, Database::Mode mode) {
    auto database = Database::open(paths.database, mode);
    if (!database) return database.error();
    const auto age = schema_age(**database, paths.outputs);
    if (!age) return age.error();
    if (*age != SchemaAge::current) return Error{Errc::unavailable, paths.database + ": written by an older loom"};
    return database;
}

class SqliteOutbox final : public Outbox {
public:
    SqliteOutbox(StorePaths paths, std::unique_ptr<Database> database) : paths_(std::move(paths)), database_(std::move(database)) {}

    ~SqliteOutbox() override {
        // Closing may move the log into the database, which is writing. If it is another's turn, that one will do it.
        const auto turn = FileLock::try_take(paths_.write_lock);
        database_->checkpoint_on_close(turn.has_value());
        database_.reset();
    }

    Result<void> want(bool changes) override {
        if (wanted_ == changes) return {};
        auto done = write([&] {
            if (changes)
                database_->execute("INSERT OR IGNORE INTO changes_told SELECT 1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0)");
            else database_->execute("DELETE FROM changes_told");
        });
        if (done) wanted_ = changes;
        return done;
    }

    Result<std::vector<RunChange>> changes(std::size_t most) override {
        std::vector<RunChange> changes;
        {
            auto rows = database_->query("SELECT changes.number, runs.id, changes.noted FROM changes_told"
                                         " JOIN changes ON changes.number > changes_told.number JOIN runs ON runs.key = changes.run"
                                         " WHERE changes.noted OR changes.state NOT IN ('waiting', 'running') ORDER BY changes.number LIMIT ?", most);
            while (rows.next()) changes.push_back({rows.integer(0), rows.text(1), rows.integer(2) != 0});
        }
        return checked(std::move(changes));
    }

    Result<void> decide(const std::vector<RunChange>& looked_at, const std::vector<OutboxEntry>& fresh) override {
        return write([&] {
            if (!looked_at.empty()) database_->execute("UPDATE changes_told SET number = ?", looked_at.back().number);
            for (const auto& entry : fresh)
                database_->execute("INSERT INTO outbox (id, rule, event, created_ms, next_ms) VALUES (?, ?, ?, ?, ?)", entry.id, entry.rule,
                                   entry.event, entry.created, entry.next);
            if (fresh.empty()) return;
            database_->execute("UPDATE outbox SET dead = 1, error = 'too many wait: the oldest are given up' WHERE key IN"
                               " (SELECT key FROM outbox WHERE dead = 0 ORDER BY key DESC LIMIT -1 OFFSET ?)", limits::outbox_entries);
            bury();
        });
    }

    Result<std::vector<OutboxEntry>> due(Instant now, std::size_t most) override {
        return checked(read_entries(database_->query(entry_columns + "WHERE dead = 0 AND next_ms <= ? ORDER BY next_ms LIMIT ?", now, most)));
    }

    Result<std::optional<Instant>> next_due() override {
        std::optional<Instant> next;
        {
            auto rows = database_->query("SELECT min(next_ms) FROM outbox WHERE dead = 0");
            if (rows.next()) next = rows.maybe_instant(0);
        }
        return checked(next);
    }

    Result<void> sent(std::int64_t key) override {
        return write([&] { database_->execute("DELETE FROM outbox WHERE key = ?", key); });
    }

    Result<void> failed(std::int64_t key, std::optional<Instant> next, const std::string& error) override {
        return write([&] {
            if (next) database_->execute("UPDATE outbox SET attempts = attempts + 1, next_ms = ?, error = ? WHERE key = ?", *next, error, key);
            else database_->execute("UPDATE outbox SET attempts = attempts + 1, dead = 1, error = ? WHERE key = ?", error, key);
            if (!next) bury();
        });
    }

    Result<std::vector<OutboxEntry>> entries(std::size_t most) override {
        return checked(read_entries(database_->query(entry_columns + "ORDER BY dead, key DESC LIMIT ?", most)));
    }

    Result<OutboxCounts> counts() override {
        OutboxCounts counts;
        {
            auto rows = database_->query("SELECT dead, count(*) FROM outbox GROUP BY dead");
            while (rows.next()) (rows.integer(0) == 0 ? counts.waiting : counts.dead) = static_cast<std::uint64_t>(rows.integer(1));
        }
        return checked(counts);
    }

private:
    template <class T>
    Result<T> checked(T value) {
        if (auto failure = database_->take_failure()) return *failure;
        return value;
    }

    template <class Work>
    Result<void> write(Work work) {
        auto turn = FileLock::wait(paths_.write_lock);
        if (!turn) return turn.error();
        Transaction transaction(*database_, Transaction::Kind::write);
        work();
        return transaction.commit();
    }

    void bury() {
        database_->execute("DELETE FROM outbox WHERE key IN (SELECT key FROM outbox WHERE dead = 1 ORDER BY key DESC LIMIT -1 OFFSET ?)",
                           limits::outbox_dead);
    }

    StorePaths paths_;
    std::unique_ptr<Database> database_;
    std::optional<bool> wanted_;
};

} // namespace

Result<std::unique_ptr<Outbox>> open_sqlite_outbox(const std::string& state_dir) {
    const StorePaths paths(state_dir);
    auto database = open_current(paths, Database::Mode::read_write);
    if (!database) return database.error();
    (*database)->script("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
    if (auto failure = (*database)->take_failure()) return *failure;
    return std::unique_ptr<Outbox>(std::make_unique<SqliteOutbox>(paths, std::move(*database)));
}

Result<std::vector<OutboxEntry>> read_outbox(const std::string& state_dir, std::size_t most) {
    const StorePaths paths(state_dir);
    std::error_code error;
    if (!std::filesystem::exists(paths.database, error)) return std::vector<OutboxEntry>();
    auto database = open_current(paths, Database::Mode::read_only);
    if (!database) return database.error();
    auto entries = read_entries((*database)->query(entry_columns + "ORDER BY dead, key DESC LIMIT ?", most));
    if (auto failure = (*database)->take_failure()) return *failure;
    return entries;
}

} // namespace loom
