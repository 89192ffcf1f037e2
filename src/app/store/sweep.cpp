#include "app/store/sweep.hpp"

#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t shared_rows = 256;   ///< a list of targets may be a hundred kilobytes
constexpr std::int64_t pages_at_once = 1024; ///< that one transaction gives back, of 4 KiB

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
    case Phase::files: return remove_files();
    case Phase::shared: return remove_shared();
    case Phase::strays: return remove_strays();
    case Phase::pages: return give_back_pages();
    case Phase::over: break;
    }
    return false;
}

/// The large texts that no run names; some of them.
Result<bool> Sweep::remove_files() {
    auto turn = FileLock::wait(paths_.write_lock);
    if (!turn) return turn.error();
    Transaction transaction(database_, Transaction::Kind::write);
    std::vector<std::pair<std::int64_t, std::string>> unnamed;
    {
        auto rows = database_.query("SELECT key, hash FROM files WHERE NOT EXISTS (SELECT 1 FROM file_uses WHERE file = key) LIMIT ?",
                                    limits::prune_nodes);
        while (rows.next()) unnamed.emplace_back(rows.integer(0), rows.text(1));
    }
    for (const auto& [key, hash] : unnamed) database_.execute("DELETE FROM files WHERE key = ?", key);
    if (auto done = transaction.commit(); !done) return done.error();
    report_.files += unnamed.size();
    if (!unnamed.empty()) failpoint("sweep.removed");
    // Still under the lock: the same text that comes anew is written anew.
    for (const auto& [key, hash] : unnamed) report_.freed_bytes += remove_file(files_.path(hash));
    return unnamed.empty();
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

/// Files of large texts without a row: a crash came between the file and its row, or between the row's end and the file's.
Result<bool> Sweep::remove_strays() {
    std::vector<fs::path> strays;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(paths_.outputs, error), end; !error && entry != end; entry.increment(error)) {
        if (entry.depth() != 1) continue;
        const auto name = entry->path().filename().string();
        const bool part = name.ends_with(".part") && is_hash(std::string_view(name).substr(0, name.size() - 5));
        if (!part && !is_hash(name)) continue;
        if (part || !database_.query("SELECT 1 FROM files WHERE hash = ?", name).next()) strays.push_back(entry->path());
    }
    if (auto failure = database_.take_failure()) return *failure;
    if (error) return Error{Errc::unavailable, paths_.outputs + ": cannot list: " + error.message()};
    if (strays.empty()) return true;
    auto turn = FileLock::wait(paths_.write_lock); // nobody is just writing one
    if (!turn) return turn.error();
    for (const auto& stray : strays)
        if (!database_.query("SELECT 1 FROM files WHERE hash = ?", stray.filename().string()).next() && !database_.failed())
            report_.freed_bytes += remove_file(stray.string());
    if (auto failure = database_.take_failure()) return *failure;
    return true;
}

std::int64_t Sweep::number(const char* sql) {
    auto rows = database_.query(sql);
    return rows.next() ? rows.integer(0) : 0;
}

/// Where it is more than a quarter of the database: what is left is taken by the next runs, which then do not grow it.
Result<bool> Sweep::give_back_pages() {
    auto turn = FileLock::wait(paths_.write_lock);
    if (!turn) return turn.error();
    const auto page = number("PRAGMA page_size"), pages = number("PRAGMA page_count"), free = number("PRAGMA freelist_count");
    if (free > std::max(pages / 4, pages_at_once)) {
        auto rows = database_.query("PRAGMA incremental_vacuum(1024)");
        while (rows.next()) {
        }
        failpoint("sweep.shrunk");
    }
    if (auto failure = database_.take_failure()) return *failure;
    const auto given = free - number("PRAGMA freelist_count");
    report_.freed_bytes += static_cast<std::uint64_t>(given * page);
    report_.free_bytes = static_cast<std::uint64_t>((free - given) * page);
    return given == 0;
}

} // namespace loom
