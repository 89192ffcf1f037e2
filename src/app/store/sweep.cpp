#include "app/store/sweep.hpp"

#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t look_rows = 65'536;  ///< of nodes, read in one step
constexpr std::int64_t shared_rows = 256;   ///< a list of targets may be a hundred kilobytes
constexpr std::uint64_t move_bytes = 4u << 20; ///< of text, moved in one transaction

/// The bytes that this frees; 0 where the file is gone already.
std::uint64_t remove_file(const std::string& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    return !error && ::unlink(path.c_str()) == 0 ? size : 0;
}

bool is_hash(std::string_view name) {
    return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == name.npos;
}

} // namespace

Result<bool> Sweep::step() {
    const auto done = step_of_phase();
    if (!done) return done.error();
    if (*done) phase_ = static_cast<Phase>(static_cast<int>(phase_) + 1);
    return phase_ != Phase::over;
}

Result<bool> Sweep::step_of_phase() {
    switch (phase_) {
    case Phase::begin: return begin();
    case Phase::look: return look();
    case Phase::outputs: return remove_outputs();
    case Phase::shared: return remove_shared();
    case Phase::segments: return list_segments();
    case Phase::tidy: return tidy_segment();
    case Phase::strays: return remove_strays();
    case Phase::over: break;
    }
    return false;
}

Result<bool> Sweep::begin() {
    Transaction snapshot(database_, Transaction::Kind::read);
    const auto greatest = [&](const char* sql) {
        auto rows = database_.query(sql);
        return rows.next() ? rows.integer(0) : 0;
    };
    newest_run_ = greatest("SELECT coalesce(max(key), 0) FROM runs");
    newest_output_ = greatest("SELECT coalesce(max(key), 0) FROM outputs");
    {
        auto rows = database_.query("SELECT key FROM runs WHERE finished_ms IS NULL");
        while (rows.next()) open_.push_back(rows.integer(0));
    }
    named_.resize(static_cast<std::size_t>(newest_output_) + 1);
    return snapshot.commit(true);
}

void Sweep::name(std::vector<bool>& keys, std::optional<std::int64_t> key) {
    if (key && static_cast<std::size_t>(*key) < keys.size()) keys[static_cast<std::size_t>(*key)] = true;
}

/// Once every node was looked at, `unnamed_` is what none of them names.
Result<bool> Sweep::look() {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::int64_t seen = 0;
    {
        auto rows = database_.query("SELECT run, place, out, err FROM nodes WHERE (run, place) > (?, ?)"
                                    " ORDER BY run, place LIMIT ?", at_run_, at_place_, look_rows);
        for (; rows.next(); ++seen) {
            at_run_ = rows.integer(0);
            at_place_ = rows.integer(1);
            name(named_, rows.maybe_integer(2));
            name(named_, rows.maybe_integer(3));
        }
    }
    const bool done = seen < look_rows;
    if (done) {
        auto rows = database_.query("SELECT key FROM outputs WHERE key <= ?", newest_output_);
        while (rows.next())
            if (!named_[static_cast<std::size_t>(rows.integer(0))]) unnamed_.push_back(rows.integer(0));
    }
    return snapshot.commit(done);
}

/// The outputs that are named by nodes of runs which may have gained some since the look began. Under the write lock.
std::vector<bool> Sweep::named_lately() {
    std::vector<bool> keys(named_.size());
    const auto take = [&](Rows rows) {
        while (rows.next()) {
            name(keys, rows.maybe_integer(0));
            name(keys, rows.maybe_integer(1));
        }
    };
    take(database_.query("SELECT out, err FROM nodes WHERE run > ?", newest_run_));
    for (const auto run : open_) take(database_.query("SELECT out, err FROM nodes WHERE run = ?", run));
    return keys;
}

Result<bool> Sweep::remove_outputs() {
    if (unnamed_.empty()) return true;
    auto turn = FileLock::wait(paths_.write_lock);
    if (!turn) return turn.error();
    Transaction transaction(database_, Transaction::Kind::write);
    const auto lately = named_lately();
    std::vector<std::string> own; // texts in files of their own
    const auto rest = unnamed_.size() - std::min(unnamed_.size(), limits::prune_nodes);
    std::size_t removed = 0;
    for (; unnamed_.size() > rest; unnamed_.pop_back()) {
        const auto key = unnamed_.back();
        if (lately[static_cast<std::size_t>(key)]) continue;
        {
            auto rows = database_.query("SELECT hash FROM outputs WHERE key = ? AND segment IS NULL", key);
            if (rows.next()) own.push_back(rows.text(0));
        }
        removed += static_cast<std::size_t>(database_.execute("DELETE FROM outputs WHERE key = ?", key));
    }
    if (auto done = transaction.commit(); !done) return done.error();
    report_.outputs += removed;
    failpoint("sweep.removed");
    // Still under the lock: the same text that comes anew is written anew.
    for (const auto& hash : own) report_.freed_bytes += remove_file(files_.own_path(hash));
    return unnamed_.empty();
}

/// The lists of targets and the specs that no run names; some of them.
Result<bool> Sweep::remove_shared() {
    std::size_t looked = 0;
    for (const auto& table : {Shared{"SELECT max(key) FROM runs", "SELECT key FROM targets WHERE key NOT IN (SELECT targets FROM runs) LIMIT ?",
                                     "DELETE FROM targets WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE key > ?2 AND targets = ?1)"},
                              Shared{"SELECT max(key) FROM runs", "SELECT key FROM specs WHERE key NOT IN (SELECT spec FROM runs WHERE spec IS NOT NULL) LIMIT ?",
                                     "DELETE FROM specs WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE key > ?2 AND spec = ?1)"}}) {
        std::vector<std::int64_t> keys;
        std::int64_t newest = 0;
        {
            Transaction snapshot(database_, Transaction::Kind::read);
            if (auto rows = database_.query(table.newest); rows.next()) newest = rows.integer(0);
            {
                auto rows = database_.query(table.unnamed, shared_rows);
                while (rows.next()) keys.push_back(rows.integer(0));
            }
            if (auto done = snapshot.commit(); !done) return done.error();
        }
        if (keys.empty()) continue;
        looked += keys.size();
        auto turn = FileLock::wait(paths_.write_lock);
        if (!turn) return turn.error();
        Transaction transaction(database_, Transaction::Kind::write);
        for (const auto key : keys) database_.execute(table.remove, key, newest);
        if (auto done = transaction.commit(); !done) return done.error();
    }
    return looked == 0;
}

/// All but the newest are full, so that nothing is added to them any more. Under the lock for a moment: no batch that
/// reaches from one into the next is under way then.
Result<bool> Sweep::list_segments() {
    auto turn = FileLock::wait(paths_.write_lock);
    if (!turn) return turn.error();
    auto found = files_.segments();
    if (!found) return found.error();
    { const auto given_back = std::move(*turn); }
    for (const auto& [number, bytes] : *found) segments_.push_back({number, bytes, 0});
    Transaction snapshot(database_, Transaction::Kind::read);
    {
        auto rows = database_.query("SELECT segment, sum(bytes) FROM outputs WHERE segment IS NOT NULL GROUP BY segment");
        while (rows.next()) {
            const auto same = std::ranges::find(segments_, rows.integer(0), &Segment::number);
            if (same != segments_.end()) same->alive = static_cast<std::uint64_t>(rows.integer(1));
        }
    }
    return snapshot.commit(true);
}

Result<bool> Sweep::tidy_segment() {
    if (segments_.empty()) return true;
    const auto segment = segments_.front();
    segments_.pop_front();
    const bool newest = segments_.empty();
    bool empty = segment.alive == 0;
    if (!newest && !empty && segment.alive * 2 <= segment.bytes) {
        auto moved = move_alive(segment.number);
        if (!moved) return moved.error();
        empty = *moved;
    }
    if (!newest && empty) {
        failpoint("sweep.emptied");
        report_.freed_bytes += remove_file(files_.segment_path(segment.number));
    } else {
        report_.dead_bytes += segment.bytes - std::min(segment.alive, segment.bytes);
    }
    return newest;
}

/// Writes what is alive of a segment to the newest one. False when some of it cannot be read: then it stays.
Result<bool> Sweep::move_alive(std::int64_t number) {
    struct Text {
        std::int64_t key = 0;
        std::string hash;
        SegmentPlace place;
        std::size_t bytes = 0;
    };
    std::vector<Text> texts;
    {
        auto rows = database_.query("SELECT key, hash, start, bytes FROM outputs WHERE segment = ?", number);
        while (rows.next())
            texts.push_back({rows.integer(0), rows.text(1), {number, static_cast<std::uint64_t>(rows.integer(2))},
                             static_cast<std::size_t>(rows.integer(3))});
    }
    if (auto failure = database_.take_failure()) return *failure;
    while (!texts.empty()) {
        auto turn = FileLock::wait(paths_.write_lock);
        if (!turn) return turn.error();
        Transaction transaction(database_, Transaction::Kind::write);
        files_.begin();
        for (std::uint64_t bytes = 0; bytes < move_bytes && !texts.empty(); texts.pop_back()) {
            const auto& text = texts.back();
            const auto read = files_.read(text.place, text.hash, text.bytes);
            if (!read) return false;
            const auto place = files_.put(text.hash, *read);
            if (!place) return place.error();
            database_.execute("UPDATE outputs SET segment = ?, start = ? WHERE key = ? AND segment = ?", place->segment,
                              place->start, text.key, number);
            bytes += text.bytes;
        }
        if (auto synced = files_.sync(); !synced) return synced.error();
        failpoint("sweep.moved");
        if (auto done = transaction.commit(); !done) return done.error();
    }
    return true;
}

/// Files of large texts without a row: a crash came between the file and its row, or between the row's end and the file's.
Result<bool> Sweep::remove_strays() {
    std::vector<fs::path> strays;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(paths_.outputs, error), end; !error && entry != end; entry.increment(error)) {
        if (entry.depth() != 1) continue;
        const auto name = entry->path().filename().string();
        const bool part = name.ends_with(".part") && is_hash(std::string_view(name).substr(0, name.size() - 5));
        if (!part && !is_hash(name)) continue;
        if (part || !database_.query("SELECT 1 FROM outputs WHERE hash = ?", name).next()) strays.push_back(entry->path());
    }
    if (auto failure = database_.take_failure()) return *failure;
    if (error) return Error{Errc::unavailable, paths_.outputs + ": cannot list: " + error.message()};
    if (strays.empty()) return true;
    auto turn = FileLock::wait(paths_.write_lock); // nobody is just writing one
    if (!turn) return turn.error();
    for (const auto& stray : strays)
        if (!database_.query("SELECT 1 FROM outputs WHERE hash = ?", stray.filename().string()).next() && !database_.failed())
            report_.freed_bytes += remove_file(stray.string());
    if (auto failure = database_.take_failure()) return *failure;
    return true;
}

} // namespace loom
