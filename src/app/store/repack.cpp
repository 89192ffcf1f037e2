#include "app/store/repack.hpp"

#include "app/store/file.hpp"
#include "app/store/progress_rows.hpp"
#include "core/base/counted.hpp"
#include "core/base/digest.hpp"
#include "core/base/log.hpp"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

class Repacking {
public:
    Repacking(Database& database, const std::string& outputs) : database_(database), outputs_(outputs) {}

    void repack(std::int64_t run) {
        ProgressEnd nodes;
        nodes.run = run;
        add_starts(nodes);
        add_results(nodes);
        nodes.write(database_);
        database_.execute("UPDATE runs SET text_bytes = ? WHERE key = ?", nodes.text_bytes, run);
    }

    std::size_t lost() const { return lost_; }

private:
    void add_starts(ProgressEnd& nodes) {
        auto rows = database_.query("SELECT at_ms, indices FROM starts WHERE run = ? ORDER BY key", nodes.run);
        while (rows.next()) {
            const auto bytes = rows.view(1); // 32-bit little-endian places
            std::vector<std::uint32_t> places(bytes.size() / sizeof(std::uint32_t));
            if (!places.empty()) std::memcpy(places.data(), bytes.data(), places.size() * sizeof(std::uint32_t));
            nodes.row.add(rows.instant(0), places);
        }
    }

    void add_results(ProgressEnd& nodes) {
        auto rows = database_.query("SELECT place, state, cause, phase, exit_status, exit_signal, message, survivors, attempts, started_ms,"
                                    " finished_ms, out, out_dropped, err, err_dropped FROM nodes WHERE run = ? ORDER BY place",
                                    nodes.run);
        while (rows.next()) {
            NodeResult result;
            auto& outcome = result.outcome;
            const auto state = parse_node_state(rows.text(1));
            const auto cause = parse_cause(rows.text(2));
            const auto phase = parse_phase(rows.text(3));
            if (!state || !cause || !phase) return database_.fail_damaged("\"" + rows.text(1) + "\" is no state");
            result.index = static_cast<std::uint32_t>(rows.integer(0));
            outcome.state = *state;
            outcome.cause = *cause;
            outcome.phase = *phase;
            if (!rows.null(4)) outcome.exit_status = static_cast<int>(rows.integer(4));
            outcome.exit_signal = rows.text(5);
            outcome.message = rows.text(6);
            outcome.survivors = rows.text(7);
            result.attempts = static_cast<int>(rows.integer(8));
            result.started = rows.maybe_instant(9);
            result.finished = rows.maybe_instant(10);
            outcome.out.dropped_bytes = static_cast<std::uint64_t>(rows.integer(12));
            outcome.err.dropped_bytes = static_cast<std::uint64_t>(rows.integer(14));
            const auto out = text_of(nodes, rows.maybe_integer(11), outcome.out);
            const auto err = text_of(nodes, rows.maybe_integer(13), outcome.err);
            nodes.row.add(result, out, err);
            nodes.write_if_full(database_);
        }
    }

    std::optional<StoredText> text_of(ProgressEnd& nodes, std::optional<std::int64_t> key, Output& output) {
        if (!key) return std::nullopt;
        auto rows = database_.query("SELECT hash, bytes, segment, start FROM outputs WHERE key = ?", *key);
        if (!rows.next()) {
            ++lost_;
            return std::nullopt;
        }
        StoredText stored;
        stored.bytes = static_cast<std::size_t>(rows.integer(1));
        if (rows.null(2)) {
            stored.file = rows.text(0);
            database_.execute("INSERT OR IGNORE INTO file_uses (run, file) VALUES (?, ?)", nodes.run, *key);
            return stored;
        }
        const auto text = segment_text(rows.integer(2), static_cast<std::uint64_t>(rows.integer(3)), stored.bytes);
        if (text && sha256_hex(*text) == rows.view(0)) return nodes.row.keep(*text);
        ++lost_;
        output.dropped_bytes += stored.bytes;
        return std::nullopt;
    }

    /// Nothing: it is gone. What only cannot be read right now fails the migration, after which the segments would go.
    std::optional<std::string> segment_text(std::int64_t number, std::uint64_t start, std::size_t bytes) {
        const auto path = fmt::format("{}/segment-{:06}", outputs_, number);
        std::error_code error;
        const auto size = std::filesystem::file_size(path, error);
        if (error == std::errc::no_such_file_or_directory || (!error && size < start + bytes)) return std::nullopt;
        const auto file = File::open(path, O_RDONLY);
        auto text = file ? file->read_at(start, bytes) : Result<std::string>(file.error());
        if (text) return std::move(*text);
        database_.fail(text.error());
        return std::nullopt;
    }

    Database& database_;
    const std::string& outputs_;
    std::size_t lost_ = 0; ///< texts
};

} // namespace

void repack_nodes(Database& database, const std::string& outputs) {
    database.execute("INSERT INTO files (key, hash, bytes) SELECT key, hash, bytes FROM outputs WHERE segment IS NULL");
    std::vector<std::int64_t> runs;
    {
        auto rows = database.query("SELECT key FROM runs");
        while (rows.next()) runs.push_back(rows.integer(0));
    }
    Repacking repacking(database, outputs);
    for (const auto run : runs) repacking.repack(run);
    if (repacking.lost() > 0)
        logs::store.warn({}, "{} of older runs cannot be read any more, or are not what was written: they count as dropped",
                         counted(repacking.lost(), "output"));
}

void remove_segments(const std::string& outputs) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(outputs, error), end; !error && entry != end; entry.increment(error)) {
        std::error_code ignored; // one that stays takes room, and nothing else
        if (entry->path().filename().string().starts_with("segment-")) std::filesystem::remove(entry->path(), ignored);
    }
}

} // namespace loom
