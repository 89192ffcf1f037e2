#include "app/store/check_ledger.hpp"

#include "app/store/ledger_rows.hpp"
#include "app/store/ledger_writer.hpp"
#include "app/store/progress_rows.hpp"
#include "app/store/schema.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"

#include <filesystem>
#include <numeric>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::uint32_t sum(const Counts& counts) { return std::accumulate(counts.begin(), counts.end(), 0u); }

class Check {
public:
    Check(const StorePaths& paths, Database& database) : files_(paths.outputs), database_(database) {}

    LedgerCheck look() {
        pragma("PRAGMA integrity_check");
        pragma("PRAGMA foreign_key_check");
        {
            Transaction snapshot(database_, Transaction::Kind::read);
            for (const auto& row : read_runs()) check_run(row);
            list_files();
            if (auto done = snapshot.commit(); !done) fault(done.error().message);
        }
        for (const auto& [hash, bytes] : files_of_texts_) check_file(hash, bytes);
        return std::move(found_);
    }

private:
    void fault(std::string text) {
        if (++found_.fault_count <= limits::ledger_faults) found_.faults.push_back(std::move(text));
    }

    void pragma(const char* sql) {
        auto rows = database_.query(sql);
        while (rows.next()) {
            const auto text = rows.text(0);
            if (text != "ok") fault(fmt::format("{}: {}", std::string_view(sql).substr(7), text));
        }
        if (auto failure = database_.take_failure()) fault(failure->message);
    }

    std::vector<RunRow> read_runs() {
        static const std::string sql = "SELECT " + run_columns + " FROM runs ORDER BY key";
        std::vector<RunRow> runs;
        auto rows = database_.query(sql);
        while (rows.next()) {
            runs.push_back(read_run(database_, rows));
            if (auto failure = database_.take_failure()) fault(failure->message);
        }
        found_.runs = runs.size();
        return runs;
    }

    void check_run(const RunRow& row) {
        const auto& id = row.run.id;
        const auto names = read_targets(database_, row.targets);
        if (names.size() != row.target_count)
            return fault(fmt::format("run {}: {} targets, but a list of {}", id, row.target_count, names.size()));
        const bool ended = row.run.finished.has_value();
        std::uint64_t text_bytes = 0;
        const auto counted = check_nodes(row, text_bytes).counts(ended);
        found_.bytes += text_bytes;
        if (ended) check_text_bytes(row, text_bytes);
        if (sum(counted) != row.target_count)
            fault(fmt::format("run {}: {} targets, but states of {}", id, row.target_count, sum(counted)));
        if (ended && !row.counts) fault(fmt::format("run {}: has ended, but its states were not summed up", id));
        if (row.counts && unpack_counts(database_, *row.counts) != counted)
            fault(fmt::format("run {}: its states are summed up as {}, but are {}", id, *row.counts, pack_counts(counted)));
        if (auto failure = database_.take_failure()) fault(failure->message);
    }

    /// What the rows of the run's progress say, each held against its hash.
    NodeTally check_nodes(const RunRow& run, std::uint64_t& text_bytes) {
        NodeTally tally(run.target_count);
        auto rows = database_.query("SELECT key, hash, body, texts, run FROM progress WHERE key BETWEEN ? AND ? ORDER BY key", progress_key(run.key, 0),
                                    last_progress_key(run.key));
        while (rows.next()) {
            const auto number = progress_number(rows.integer(0));
            const auto where = fmt::format("run {}, row {} of its progress", run.run.id, number);
            const auto texts = rows.view(3);
            const auto progress = parse_progress(rows.view(2), number);
            if (!progress || progress_digest(rows.view(2), texts) != rows.view(1)) fault(where + ": other bytes than those that were written");
            if (!progress) continue;
            if (rows.integer(4) != run.key) fault(where + ": it names another run");
            text_bytes += texts.size();
            for (const auto& each : progress->results) {
                if (!tally.end(each.result.index, each.result.outcome.state))
                    fault(fmt::format("{}: a node at place {} of {}, or twice", where, each.result.index, run.target_count));
                for (const auto* stored : {&each.out, &each.err}) check_text(run, *stored, texts.size(), where);
            }
            for (const auto& batch : progress->starts) tally.start(batch.places);
        }
        return tally;
    }

    /// What retention goes by.
    void check_text_bytes(const RunRow& run, std::uint64_t found) {
        auto rows = database_.query("SELECT text_bytes FROM runs WHERE key = ?", run.key);
        if (rows.next() && static_cast<std::uint64_t>(rows.integer(0)) != found)
            fault(fmt::format("run {}: outputs of {} bytes, but {} are counted", run.run.id, found, rows.integer(0)));
    }

    void check_text(const RunRow& run, const std::optional<StoredText>& stored, std::size_t texts, const std::string& where) {
        if (!stored) return;
        ++found_.outputs;
        if (stored->file.empty()) {
            if (stored->start + stored->bytes > texts) fault(where + ": a text that is not there");
            return;
        }
        const auto known = [&] {
            return database_.query("SELECT 1 FROM file_uses JOIN files ON files.key = file WHERE run = ? AND hash = ?", run.key, stored->file).next();
        };
        if (!known()) fault(where + ": no row names the file " + stored->file);
    }

    void list_files() {
        auto rows = database_.query("SELECT hash, bytes FROM files");
        while (rows.next()) files_of_texts_.emplace_back(rows.text(0), static_cast<std::size_t>(rows.integer(1)));
    }

    void check_file(const std::string& hash, std::size_t bytes) {
        found_.bytes += bytes;
        if (bytes > limits::output_bytes) return fault(fmt::format("output {}: {} bytes", hash, bytes));
        const auto text = files_.read(hash, bytes);
        if (!text) fault(text.error().message);
        else if (sha256_hex(*text) != hash) fault(files_.path(hash) + ": other bytes than those that were written");
    }

    OutputFiles files_;
    Database& database_;
    std::vector<std::pair<std::string, std::size_t>> files_of_texts_;
    LedgerCheck found_;
};

/// Where no row can be read at all.
LedgerCheck unreadable(const Error& fault) {
    LedgerCheck found;
    found.faults.push_back(fault.message);
    found.fault_count = 1;
    return found;
}

} // namespace

Result<LedgerCheck> check_ledger(const std::string& state_dir) {
    const StorePaths paths(state_dir);
    std::error_code error;
    if (!std::filesystem::exists(paths.database, error)) return not_found(paths.database + ": there is no ledger");
    const auto lock = FileLock::try_take(paths.upkeep_lock, upkeep_patience); // what cannot be locked, nobody prunes either
    if (!lock && lock.error().code == Errc::conflict)
        return Error{Errc::conflict, state_dir + ": another process prunes, copies or checks it"};
    const auto database = Database::open(paths.database, Database::Mode::read_only);
    if (!database) return database.error();
    const auto age = schema_age(**database, paths.outputs);
    if (!age) return (*database)->damaged() ? Result<LedgerCheck>(unreadable(age.error())) : age.error();
    if (*age == SchemaAge::none) {
        (*database)->fail_damaged("it is empty");
        return unreadable(*(*database)->take_failure());
    }
    if (*age == SchemaAge::older)
        return Error{Errc::unavailable, paths.database + ": written by an older loom; any command that reads it brings it up to date"};
    return Check(paths, **database).look();
}

} // namespace loom
