#include "app/store/check_ledger.hpp"

#include "app/store/ledger_rows.hpp"
#include "app/store/ledger_writer.hpp"
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
            list_outputs();
            if (auto done = snapshot.commit(); !done) fault(done.error().message);
        }
        for (const auto& output : outputs_) check_output(output);
        return std::move(found_);
    }

private:
    struct Stored {
        std::string hash;
        SegmentPlace place;
        std::size_t bytes = 0;
    };

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
        {
            auto places = database_.query("SELECT max(place) FROM nodes WHERE run = ?", row.key);
            if (places.next() && !places.null(0) && places.integer(0) >= static_cast<std::int64_t>(row.target_count))
                return fault(fmt::format("run {}: a node at place {} of {}", id, places.integer(0), row.target_count));
        }
        const bool ended = row.run.finished.has_value();
        const auto counted = count_nodes(database_, row, ended);
        if (sum(counted) != row.target_count)
            fault(fmt::format("run {}: {} targets, but states of {}", id, row.target_count, sum(counted)));
        if (ended && !row.counts) fault(fmt::format("run {}: has ended, but its states were not summed up", id));
        if (row.counts && unpack_counts(database_, *row.counts) != counted)
            fault(fmt::format("run {}: its states are summed up as {}, but are {}", id, *row.counts, pack_counts(counted)));
        if (auto failure = database_.take_failure()) fault(failure->message);
    }

    void list_outputs() {
        auto rows = database_.query("SELECT hash, segment, start, bytes FROM outputs");
        while (rows.next())
            outputs_.push_back({rows.text(0), {rows.maybe_integer(1), static_cast<std::uint64_t>(rows.integer(2))},
                                static_cast<std::size_t>(rows.integer(3))});
        found_.outputs = outputs_.size();
    }

    void check_output(const Stored& output) {
        found_.bytes += output.bytes;
        if (output.bytes > limits::output_bytes) return fault(fmt::format("output {}: {} bytes", output.hash, output.bytes));
        const auto text = files_.read(output.place, output.hash, output.bytes);
        if (!text) fault(text.error().message);
        else if (sha256_hex(*text) != output.hash)
            fault(fmt::format("{}: other bytes than those that were written, at {} ({} of them)",
                              output.place.segment ? files_.segment_path(*output.place.segment) : files_.own_path(output.hash),
                              output.place.start, output.bytes));
    }

    OutputFiles files_;
    Database& database_;
    std::vector<Stored> outputs_;
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
