#include "app/store/change_log.hpp"

#include "app/store/ledger_rows.hpp"
#include "app/store/ledger_writer.hpp"

namespace loom {
namespace {

class SqliteChanges final : public ChangeLog {
public:
    explicit SqliteChanges(const std::string& state_dir) : paths_(state_dir) {}

    Result<ChangePage> after(std::uint64_t number, std::size_t most) override {
        if (auto opened = open(); !opened) return opened.error();
        auto& database = *database_;
        ChangePage page;
        Transaction snapshot(database, Transaction::Kind::read);
        const auto from = static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
        {
            // The number of the newest that there ever was, gone or not.
            auto rows = database.query("SELECT seq FROM sqlite_sequence WHERE name = 'changes'");
            if (rows.next()) page.newest = static_cast<std::uint64_t>(rows.integer(0));
        }
        std::vector<std::pair<std::int64_t, StateChange>> found;
        {
            auto rows = database.query("SELECT number, run, state FROM changes WHERE number > ? ORDER BY number LIMIT ?", from, most);
            while (rows.next()) {
                StateChange change;
                change.number = static_cast<std::uint64_t>(rows.integer(0));
                change.state = read_state(database, rows.text(2));
                found.emplace_back(rows.integer(1), std::move(change));
            }
        }
        for (auto& [key, change] : found) {
            if (!fill(key, change.run)) continue;
            page.items.push_back(std::move(change));
        }
        // A hole is what was removed with its run.
        page.lost = page.items.empty() ? number < page.newest : page.items.back().number - number != page.items.size();
        return snapshot.commit(std::move(page));
    }

private:
    Result<void> open() {
        if (database_) return {};
        auto opened = Database::open(paths_.database, Database::Mode::read_only);
        if (!opened) return opened.error();
        database_ = std::move(*opened);
        return {};
    }

    /// False: there is no such run.
    bool fill(std::int64_t key, Run& run) {
        static const std::string sql = "SELECT " + run_columns + " FROM runs WHERE key = ?";
        auto rows = database_->query(sql, key);
        if (!rows.next()) return false;
        auto row = read_run(*database_, rows);
        run = std::move(row.run);
        if (row.counts) run.counts = unpack_counts(*database_, *row.counts);
        return true;
    }

    StorePaths paths_;
    std::unique_ptr<Database> database_;
};

} // namespace

std::unique_ptr<ChangeLog> open_change_log(const std::string& state_dir) { return std::make_unique<SqliteChanges>(state_dir); }

} // namespace loom
