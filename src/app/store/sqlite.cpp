#include "app/store/sqlite.hpp"

#include <cassert>
#include <filesystem>
#include <sqlite3.h>
#include <sys/statvfs.h>
#include <system_error>
#include <utility>

namespace loom {
namespace {

/// Our own writers take turns by a lock of their own, so this bounds only the wait for foreign programs and recovery.
constexpr int busy_ms = 5000;

Error damage_error(const std::string& path, std::string_view what) {
    return {Errc::unavailable, path + ": the database is damaged: " + std::string(what) +
                                   "; restore a folder that `loom db backup` made, or move this one away to begin anew"};
}

bool on_read_only_file_system(const std::string& path) {
    struct statvfs system {};
    return ::statvfs(path.c_str(), &system) == 0 && (system.f_flag & ST_RDONLY) != 0;
}

/// Whether commits stand in the log that the database itself does not have yet.
bool log_holds_commits(const std::string& path) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path + "-wal", error);
    return !error && bytes > 0;
}

/// The file's name for SQLite. Readers share a memory file, which it cannot make where nothing can be written; of a database
/// that nobody changes it needs none, and would not look at the log.
std::string name_for_reading(const std::string& path) {
    std::error_code error;
    const bool shared = std::filesystem::exists(path + "-shm", error);
    if (shared || log_holds_commits(path) || !on_read_only_file_system(path))
        return path;
    std::string name = "file://";
    for (const char c : std::filesystem::absolute(path).string())
        name += c == '%' ? "%25" : c == '?' ? "%3f" : c == '#' ? "%23" : std::string(1, c);
    return name + "?immutable=1";
}

bool tells_damage(int code) { return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB; }

Error describe(const std::string& path, sqlite3* handle, int code) {
    std::string words = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    if (const int reason = handle ? sqlite3_system_errno(handle) : 0; reason != 0)
        words += " (" + std::generic_category().message(reason) + ")";
    if (tells_damage(code))
        return damage_error(path, words);
    switch (code & 0xff) {
    case SQLITE_CANTOPEN:
        if (on_read_only_file_system(path) && log_holds_commits(path))
            words = "its file system may only be read, and " + path + "-wal has records for it: read a copy of the folder";
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        words += ": another program holds it";
        break;
    default:
        break;
    }
    return {Errc::unavailable, path + ": " + words};
}

sqlite3_destructor_type destructor_of(Rows::Bytes bytes) {
    return bytes == Rows::Bytes::stay ? SQLITE_STATIC : SQLITE_TRANSIENT;
}

} // namespace

Rows::Rows(Rows&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), bytes_(other.bytes_) {}

Rows::~Rows() {
    if (!statement_)
        return;
    sqlite3_reset(statement_); // reports the failure of `next` again
    sqlite3_clear_bindings(statement_);
}

bool Rows::next() {
    if (!statement_ || database_->failed())
        return false;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        check(code);
    return false;
}

bool Rows::null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::int64_t Rows::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Rows::view(int column) const {
    const void* bytes = sqlite3_column_blob(statement_, column); // as they are: text and blobs alike
    const int size = sqlite3_column_bytes(statement_, column);
    return bytes ? std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size)) : std::string_view();
}

std::optional<std::int64_t> Rows::maybe_integer(int column) const {
    if (null(column))
        return std::nullopt;
    return integer(column);
}

std::optional<Instant> Rows::maybe_instant(int column) const {
    if (null(column))
        return std::nullopt;
    return instant(column);
}

void Rows::bind(int index, std::int64_t value) {
    if (statement_)
        check(sqlite3_bind_int64(statement_, index, value));
}

void Rows::bind(int index, std::string_view value) {
    if (!statement_)
        return;
    const char* bytes = value.data() ? value.data() : ""; // a null pointer would bind NULL
    check(sqlite3_bind_text(statement_, index, bytes, static_cast<int>(value.size()), destructor_of(bytes_)));
}

void Rows::bind(int index, Blob value) {
    if (!statement_)
        return;
    check(sqlite3_bind_blob(statement_, index, value.bytes.data(), static_cast<int>(value.bytes.size()),
                            destructor_of(bytes_)));
}

void Rows::bind(int index, std::nullopt_t) {
    if (statement_)
        check(sqlite3_bind_null(statement_, index));
}

void Rows::check(int code) { database_->check(code); }

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode) {
    const bool reading = mode == Mode::read_only;
    const int access = reading ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const auto name = reading ? name_for_reading(path) : path;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX, nullptr);
    std::unique_ptr<Database> database(new Database(path, handle));
    if (code != SQLITE_OK)
        return describe(path, handle, code);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, busy_ms);
    database->checkpoint_on_close(false);
    return database;
}

Database::~Database() {
    for (const auto& [sql, statement] : prepared_)
        sqlite3_finalize(statement);
    sqlite3_close_v2(handle_);
}

void Database::script(const char* sql) {
    if (!failed())
        check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr));
}

std::int64_t Database::last_key() const { return sqlite3_last_insert_rowid(handle_); }

std::int64_t Database::changes() const { return failed() ? 0 : sqlite3_changes64(handle_); }

void Database::fail(Error error) {
    if (!failure_)
        failure_ = std::move(error);
}

void Database::fail_damaged(std::string_view what) {
    damaged_ = true;
    fail(damage_error(path_, what));
}

std::optional<Error> Database::take_failure() { return std::exchange(failure_, std::nullopt); }

void Database::checkpoint_on_close(bool allowed) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, allowed ? 0 : 1, nullptr);
}

bool Database::moved() const {
    int moved = 0;
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

sqlite3_stmt* Database::prepare(std::string_view sql) {
    if (failed())
        return nullptr;
    if (const auto found = prepared_.find(sql); found != prepared_.end()) {
        assert(!sqlite3_stmt_busy(found->second)); // one text cannot be on its way twice
        return found->second;
    }
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                             nullptr));
    if (statement)
        prepared_.emplace(sql, statement);
    return statement;
}

void Database::check(int code) {
    damaged_ |= tells_damage(code);
    if (code != SQLITE_OK && !failed())
        fail(describe(path_, handle_, code));
}

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
    database_.take_failure(); // one that nobody asked for belongs to what came before
    if (kind == Kind::write && database_.moved())
        database_.fail({Errc::unavailable, database_.path() + " was removed or replaced while it was in use: put it back, or start Loom anew"});
    database_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
    if (!sqlite3_get_autocommit(database_.handle_))
        sqlite3_exec(database_.handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Transaction::commit() {
    database_.execute("COMMIT");
    if (auto failure = database_.take_failure())
        return *failure;
    return {};
}

} // namespace loom
