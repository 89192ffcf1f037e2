#include "app/store/backup.hpp"

#include "app/store/ledger_writer.hpp"
#include "app/store/schema.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// A folder beside its later place, gone again unless it was put there.
class NewFolder {
public:
    static Result<NewFolder> make(std::string place) {
        auto name = place + ".XXXXXX";
        if (!::mkdtemp(name.data())) return file_error(name, "make the folder");
        return NewFolder(std::move(place), std::move(name));
    }
    NewFolder(NewFolder&& other) noexcept : place_(std::move(other.place_)), name_(std::exchange(other.name_, {})) {}
    ~NewFolder() {
        std::error_code ignored;
        if (!name_.empty()) fs::remove_all(name_, ignored);
    }

    const std::string& name() const { return name_; }
    Result<void> put_in_place() {
        if (auto synced = sync_folder(name_); !synced) return synced;
        if (::rename(name_.c_str(), place_.c_str()) != 0) return file_error(place_, "rename");
        name_.clear();
        const auto parent = fs::absolute(place_).parent_path().string();
        return sync_folder(parent);
    }

private:
    NewFolder(std::string place, std::string name) : place_(std::move(place)), name_(std::move(name)) {}

    std::string place_, name_;
};

Result<void> sync_file(const std::string& path) {
    const auto file = File::open(path, O_RDONLY);
    if (!file) return file.error();
    return file->sync();
}

class Backup {
public:
    Backup(const StorePaths& from, const std::string& to) : from_(from), to_(to) {}

    /// One read of the database, however long it takes: text that comes later is named by rows that come later.
    Result<void> copy_rows(Database& database) {
        database.execute("SELECT count(*) FROM sqlite_schema"); // where that is damaged, what follows would blame the copy
        database.execute("VACUUM INTO ?", to_.database);
        if (auto failure = database.take_failure()) {
            if (!database.damaged()) failure->message += ", while it was copied to " + to_.database;
            return *failure;
        }
        if (::chmod(to_.database.c_str(), 0600) != 0) return file_error(to_.database, "set mode 0600 on");
        return sync_file(to_.database);
    }

    Result<void> copy_outputs() {
        auto database = Database::open(to_.database, Database::Mode::read_only);
        if (!database) return database.error();
        if (auto made = make_folder(to_.outputs); !made) return made.error();
        const OutputFiles from(from_.outputs), to(to_.outputs);
        if (auto described = describe_outputs(to_.outputs); !described) return described;
        auto rows = (*database)->query("SELECT hash FROM files");
        while (rows.next()) {
            const auto path = to.path(rows.text(0));
            if (auto made = make_folder(path.substr(0, path.rfind('/'))); !made) return made.error();
            if (auto copied = copy(from.path(rows.text(0)), path); !copied) return copied;
            if (auto synced = sync_folder(path.substr(0, path.rfind('/'))); !synced) return synced;
        }
        auto runs = (*database)->query("SELECT count(*) FROM runs");
        if (runs.next()) report_.runs = static_cast<std::size_t>(runs.integer(0));
        if (auto failure = (*database)->take_failure()) return *failure;
        return sync_folder(to_.outputs);
    }

    Result<void> copy_host_keys() {
        const auto name = "/known_hosts";
        std::error_code error;
        if (!fs::exists(from_.folder + name, error)) return {};
        return copy(from_.folder + name, to_.folder + name);
    }

    const BackupReport& report() const { return report_; }

private:
    Result<void> copy(const std::string& from, const std::string& to) {
        std::error_code error;
        fs::copy_file(from, to, error);
        if (error) return Error{Errc::unavailable, from + ": cannot copy to " + to + ": " + error.message()};
        ++report_.files;
        report_.bytes += fs::file_size(to, error);
        return sync_file(to);
    }

    StorePaths from_, to_;
    BackupReport report_;
};

} // namespace

Result<BackupReport> back_up_ledger(const std::string& state_dir, const std::string& folder) {
    const StorePaths paths(state_dir);
    std::error_code error;
    if (!fs::exists(paths.database, error)) return not_found(paths.database + ": there is no ledger");
    if (fs::exists(fs::symlink_status(folder, error))) return Error{Errc::conflict, folder + ": is there already; name a new folder"};
    const auto lock = FileLock::try_take(paths.upkeep_lock, upkeep_patience);
    if (!lock && lock.error().code == Errc::conflict)
        return Error{Errc::conflict, state_dir + ": another process prunes, copies or checks it"};
    auto database = Database::open(paths.database, Database::Mode::read_only); // what cannot be locked, as where nothing can be written, nobody prunes
    if (!database) return database.error();
    const auto age = schema_age(**database, paths.outputs);
    if (!age) return age.error();
    if (*age != SchemaAge::current)
        return Error{Errc::unavailable, paths.database + ": written by an older loom: copy it with that one, or let any command that reads it bring it up to date"};
    auto made = NewFolder::make(folder);
    if (!made) return made.error();
    Backup backup(paths, made->name());
    if (auto copied = backup.copy_rows(**database); !copied) return copied.error();
    if (auto copied = backup.copy_outputs(); !copied) return copied.error();
    if (auto copied = backup.copy_host_keys(); !copied) return copied.error();
    if (auto placed = made->put_in_place(); !placed) return placed.error();
    return backup.report();
}

} // namespace loom
