#include "app/store/sqlite_store.hpp"

#include "app/store/ledger_reader.hpp"
#include "app/store/ledger_writer.hpp"
#include "app/store/repack.hpp"
#include "app/store/schema.hpp"
#include "core/base/failpoint.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {
namespace {

/// Lends the store's state folder to its owner alone, and makes what belongs into it.
Result<void> make_folders(const StorePaths& paths) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::absolute(paths.folder).parent_path(), error);
    if (error)
        return Error{Errc::unavailable, paths.folder + ": cannot make its parent folder: " + error.message()};
    for (const auto& folder : {paths.folder, paths.outputs, paths.runs}) {
        auto made = make_folder(folder);
        if (!made)
            return made.error();
    }
    struct stat status {};
    if (::stat(paths.folder.c_str(), &status) != 0)
        return file_error(paths.folder, "stat");
    if ((status.st_mode & 07777) != 0700 && ::chmod(paths.folder.c_str(), 0700) != 0)
        return file_error(paths.folder, "set mode 0700 on");
    failpoint("state.folders");
    return sync_folder(paths.folder);
}

/// Removes the locks that dead processes left. Under the write lock nobody is just about to take one.
void sweep_locks(const StorePaths& paths) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(paths.runs, error), end; !error && entry != end;
         entry.increment(error))
        if (const auto path = entry->path().string(); path.ends_with(".lock") && !FileLock::held(path))
            ::unlink(path.c_str());
}

/// Lends the database to its owner alone; SQLite makes its log and its memory file with the same mode. Returns whether it is
/// new. One that is there is not opened for this: closing it again would let go of the locks that this process has on it.
Result<bool> make_database(const std::string& path) {
    struct stat status {};
    bool is_new = ::stat(path.c_str(), &status) != 0 && errno == ENOENT;
    if (is_new && ::stat((path + "-wal").c_str(), &status) == 0 && status.st_size > 0)
        return Error{Errc::unavailable, path + ": it is gone, and " + path + "-wal has records for it: restore a folder that `loom db backup` made, or " +
                                            "move that file away to begin anew"};
    if (is_new) {
        const auto made = File::open(path, O_RDWR | O_CREAT | O_EXCL);
        is_new = made.has_value();
        if (!made && ::stat(path.c_str(), &status) != 0) // else another process was faster
            return made.error();
    }
    for (const auto& name : {path, path + "-wal", path + "-shm"})
        if (::stat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 07777) != 0600 && ::chmod(name.c_str(), 0600) != 0)
            return file_error(name, "set mode 0600 on");
    return is_new;
}

/// An older program that is at work would go on writing what this one's schema does not have any more.
Result<void> check_idle(const StorePaths& paths, Database& database) {
    auto rows = database.query("SELECT id FROM runs WHERE state IN ('waiting', 'running')");
    while (rows.next())
        if (FileLock::held(paths.run_lock(rows.text(0))))
            return Error{Errc::unavailable, paths.database + ": written by an older loom that is still at work on run " + rows.text(0) +
                                                ": end it first, then it is brought up to date"};
    return {};
}

/// Free pages of a database that was made without auto_vacuum can only be given back once it was written as a whole. Where there is no
/// room for that they are used again, and the next opening tries once more.
void make_shrinkable(Database& database) {
    const auto number = [&](const char* sql) {
        auto rows = database.query(sql);
        return rows.next() ? rows.integer(0) : 0;
    };
    if (number("PRAGMA auto_vacuum") != 0 || number("PRAGMA freelist_count") <= number("PRAGMA page_count") / 4)
        return;
    database.script("PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    database.take_failure();
}

/// The one connection that writes. The log is synced at each commit, and checkpoints happen inside of commits only, so
/// under the write lock: SQLite before 3.51.3 can lose data when two connections write or checkpoint at once.
Result<std::unique_ptr<Database>> open_for_writing(const StorePaths& paths) {
    auto turn = FileLock::wait(paths.write_lock);
    if (!turn)
        return turn.error();
    sweep_locks(paths);
    failpoint("state.swept");
    const auto is_new = make_database(paths.database);
    if (!is_new)
        return is_new.error();
    auto database = Database::open(paths.database, Database::Mode::read_write);
    if (!database)
        return database.error();
    const auto age = schema_age(**database, paths.outputs);
    if (!age && !*is_new)
        return age.error();
    if (age && *age == SchemaAge::older)
        if (auto idle = check_idle(paths, **database); !idle)
            return idle.error();
    // Free pages are given back by a prune, where they are many.
    (*database)->script("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;");
    (*database)->script(writer_settings);
    if (auto failure = (*database)->take_failure())
        return *failure;
    failpoint("state.opened");
    if (auto migrated = migrate(**database, paths.outputs); !migrated)
        return migrated.error();
    remove_segments(paths.outputs);
    make_shrinkable(**database);
    if (auto described = describe_outputs(paths.outputs); !described)
        return described.error();
    return database;
}

/// Null: no store exists yet, or another process is about to make it.
Result<std::unique_ptr<Database>> open_for_reading(const StorePaths& paths) {
    std::error_code error;
    if (!std::filesystem::exists(paths.database, error)) {
        if (error)
            return Error{Errc::unavailable, paths.database + ": cannot look at it: " + error.message()};
        return std::unique_ptr<Database>();
    }
    auto database = Database::open(paths.database, Database::Mode::read_only);
    if (!database)
        return database.error();
    const auto age = schema_age(**database, paths.outputs);
    if (!age)
        return age.error();
    if (*age == SchemaAge::none)
        return std::unique_ptr<Database>();
    if (*age == SchemaAge::older)
        if (auto migrated = open_for_writing(paths); !migrated)
            return Error{migrated.error().code, paths.database + ": written by an older loom, and cannot be brought up to date: " +
                                                    migrated.error().message};
    return database;
}

Result<std::unique_ptr<Database>> open_empty() {
    auto database = Database::open(":memory:", Database::Mode::read_write);
    if (!database)
        return database.error();
    if (auto migrated = migrate(**database, ""); !migrated)
        return migrated.error();
    return database;
}

class ReadOnlyStore final : public RunStore {
public:
    explicit ReadOnlyStore(StorePaths paths) : paths_(std::move(paths)), outputs_(paths_.outputs) {}

    Result<std::vector<Verdict>> commit(std::span<const Record>) override {
        return Error{Errc::unavailable, paths_.folder + ": opened for reading only"};
    }
    Result<Run> run(const std::string& id) override {
        return ask([&] { return reader_->run(id); });
    }
    Result<std::string> spec(const std::string& id) override {
        return ask([&] { return reader_->spec(id); });
    }
    Result<std::vector<Run>> runs(const RunFilter& filter) override {
        return ask([&] { return reader_->runs(filter); });
    }
    Result<std::vector<NodeResult>> results(const std::string& id) override {
        return ask([&] { return reader_->results(id); });
    }
    Result<NodeResult> result(const std::string& id, const std::string& node) override {
        return ask([&] { return reader_->result(id, node); });
    }
    Result<std::vector<OutputGroup>> gathered(const std::string& id) override {
        return ask([&] { return reader_->gathered(id); });
    }
    Result<std::map<std::string, JobFacts>> facts() override {
        return ask([&] { return reader_->facts(); });
    }
    Result<std::vector<InFlight>> in_flight(const std::string& job) override {
        return ask([&] { return reader_->in_flight(job); });
    }
    Result<std::vector<Upstream>> upstreams() override {
        return ask([&] { return reader_->upstreams(); });
    }
    Result<std::vector<DueRun>> due_runs(const std::string& job, Instant from, Instant to) override {
        return ask([&] { return reader_->due_runs(job, from, to); });
    }
    Result<LeftOut> left_out(const std::string& job, Instant since) override {
        return ask([&] { return reader_->left_out(job, since); });
    }
    Result<std::vector<Milliseconds>> durations(const std::string& job, std::size_t most) override {
        return ask([&] { return reader_->durations(job, most); });
    }
    Result<std::vector<Pause>> pauses() override {
        return ask([&] { return reader_->pauses(); });
    }
    Result<std::optional<KnownRequest>> requested(const std::string& key) override {
        return ask([&] { return reader_->requested(key); });
    }
    Result<std::optional<std::string>> delivered(const Delivery& delivery, Instant now) override {
        return ask([&] { return reader_->delivered(delivery, now); });
    }
    Result<std::vector<std::string>> orphans() override {
        return ask([&] { return reader_->orphans(); });
    }

private:
    /// Looks whether the store exists by now; until then an empty database stands in for it.
    Result<void> look() {
        if (found_)
            return {};
        auto database = open_for_reading(paths_);
        if (!database)
            return database.error();
        found_ = *database != nullptr;
        if (!found_ && database_)
            return {};
        if (!found_)
            database = open_empty();
        if (!database)
            return database.error();
        database_ = std::move(*database);
        reader_.emplace(paths_, *database_, outputs_);
        return {};
    }

    template <class Question>
    auto ask(Question question) -> decltype(question()) {
        if (auto looked = look(); !looked)
            return looked.error();
        return question();
    }

    StorePaths paths_;
    OutputFiles outputs_;
    std::unique_ptr<Database> database_;
    std::optional<LedgerReader> reader_;
    bool found_ = false;
};

class ReadWriteStore final : public RunStore {
public:
    ReadWriteStore(StorePaths paths, std::unique_ptr<Database> database)
        : paths_(std::move(paths)), database_(std::move(database)), outputs_(paths_.outputs),
          writer_(paths_, *database_, outputs_), reader_(paths_, *database_, outputs_) {}

    ~ReadWriteStore() override {
        // Closing may move the log into the database, which is writing. If it is another's turn, that one will do it.
        const auto turn = FileLock::try_take(paths_.write_lock);
        database_->checkpoint_on_close(turn.has_value());
        failpoint("close.begin");
        database_.reset();
        failpoint("close.done");
    }

    Result<std::vector<Verdict>> commit(std::span<const Record> batch) override { return writer_.commit(batch); }
    Result<Run> run(const std::string& id) override { return reader_.run(id); }
    Result<std::string> spec(const std::string& id) override { return reader_.spec(id); }
    Result<std::vector<Run>> runs(const RunFilter& filter) override { return reader_.runs(filter); }
    Result<std::vector<NodeResult>> results(const std::string& id) override { return reader_.results(id); }
    Result<NodeResult> result(const std::string& id, const std::string& node) override {
        return reader_.result(id, node);
    }
    Result<std::vector<OutputGroup>> gathered(const std::string& id) override { return reader_.gathered(id); }
    Result<std::map<std::string, JobFacts>> facts() override { return reader_.facts(); }
    Result<std::vector<InFlight>> in_flight(const std::string& job) override { return reader_.in_flight(job); }
    Result<std::vector<Upstream>> upstreams() override { return reader_.upstreams(); }
    Result<std::vector<DueRun>> due_runs(const std::string& job, Instant from, Instant to) override {
        return reader_.due_runs(job, from, to);
    }
    Result<LeftOut> left_out(const std::string& job, Instant since) override { return reader_.left_out(job, since); }
    Result<std::vector<Milliseconds>> durations(const std::string& job, std::size_t most) override {
        return reader_.durations(job, most);
    }
    Result<std::vector<Pause>> pauses() override { return reader_.pauses(); }
    Result<std::optional<KnownRequest>> requested(const std::string& key) override { return reader_.requested(key); }
    Result<std::optional<std::string>> delivered(const Delivery& delivery, Instant now) override {
        return reader_.delivered(delivery, now);
    }
    Result<std::vector<std::string>> orphans() override { return reader_.orphans(); }

private:
    StorePaths paths_;
    std::unique_ptr<Database> database_;
    OutputFiles outputs_;
    LedgerWriter writer_;
    LedgerReader reader_;
};

} // namespace

Result<std::unique_ptr<RunStore>> open_sqlite_store(const std::string& state_dir, StoreMode mode) {
    const StorePaths paths(state_dir);
    if (mode == StoreMode::read_only)
        return std::unique_ptr<RunStore>(std::make_unique<ReadOnlyStore>(paths));
    if (auto made = make_folders(paths); !made)
        return made.error();
    auto database = open_for_writing(paths);
    if (!database)
        return database.error();
    return std::unique_ptr<RunStore>(std::make_unique<ReadWriteStore>(paths, std::move(*database)));
}

} // namespace loom
