#pragma once
#include "core/base/error.hpp"
#include "core/time/instant.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace loom {

class Database;

/// Bytes that are not text.
struct Blob {
    std::string_view bytes;
};

/// A statement on its way through its rows; ends it when it dies. Columns count from 0, and are read after `next`.
class Rows {
public:
    /// Whether the bytes of what is bound are there until the statement has ended: then SQLite need not copy them, which
    /// took two of a node's twenty thousand instructions.
    enum class Bytes { may_go, stay };
    Rows(Database& database, sqlite3_stmt* statement, Bytes bytes = Bytes::may_go)
        : database_(&database), statement_(statement), bytes_(bytes) {}
    Rows(Rows&& other) noexcept;
    Rows& operator=(Rows&&) = delete;
    ~Rows();

    /// Moves to the next row. False at the end and upon a failure, which the database then remembers.
    bool next();

    bool null(int column) const;
    std::int64_t integer(int column) const;
    std::string text(int column) const { return std::string(view(column)); }
    std::string_view view(int column) const; ///< until the next row
    Instant instant(int column) const { return Instant(std::chrono::milliseconds(integer(column))); }
    std::optional<std::int64_t> maybe_integer(int column) const;
    std::optional<Instant> maybe_instant(int column) const;

private:
    friend class Database;
    void bind(int index, std::int64_t value);
    void bind(int index, std::string_view value);
    void bind(int index, Blob value);
    void bind(int index, std::nullopt_t);
    void bind(int index, Instant value) { bind(index, std::int64_t{value.time_since_epoch().count()}); }
    template <class T>
    void bind(int index, const std::optional<T>& value) {
        if (value)
            bind(index, *value);
        else
            bind(index, std::nullopt);
    }
    void check(int code);

    Database* database_;
    sqlite3_stmt* statement_; ///< null: could not be prepared
    Bytes bytes_;
};

/// One SQLite connection; any thread, one at a time.
///
/// The first failure sticks: from then on statements have no rows and change nothing, until `take_failure`. So a
/// sequence is written straight down and checked once at its end; a Transaction does so and cannot commit past one.
class Database {
public:
    enum class Mode { read_write, read_only };
    /// `:memory:` makes an empty one that lives as long as the object.
    static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode);
    ~Database();

    /// Begins a statement. It stays prepared for the connection's life, so its text must come from a small set.
    template <class... Values>
    Rows query(std::string_view sql, const Values&... values) {
        return begin(sql, Rows::Bytes::may_go, values...);
    }
    /// Runs a statement to its end and returns how many rows it changed.
    template <class... Values>
    std::int64_t execute(std::string_view sql, const Values&... values) {
        auto rows = begin(sql, Rows::Bytes::stay, values...);
        while (rows.next()) {
        }
        return changes();
    }
    /// Runs several statements without parameters.
    void script(const char* sql);

    /// The integer key of the newest row.
    std::int64_t last_key() const;
    /// Remembers a failure, if it is the first.
    void fail(Error error);
    /// The same, of contents that nobody can have written.
    void fail_damaged(std::string_view what);
    bool failed() const { return failure_.has_value(); }
    std::optional<Error> take_failure();
    /// Whether such contents were met since the opening.
    bool damaged() const { return damaged_; }
    const std::string& path() const { return path_; }
    /// Whether the path names another file by now, or none: what is written into one without a name is lost when it is closed.
    bool moved() const;
    /// Whether the last connection may move the log into the database as it closes. No by default: it writes.
    void checkpoint_on_close(bool allowed);

private:
    friend class Rows;
    friend class Transaction;
    Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
    template <class... Values>
    Rows begin(std::string_view sql, Rows::Bytes bytes, const Values&... values) {
        Rows rows(*this, prepare(sql), bytes);
        int index = 0;
        (rows.bind(++index, values), ...);
        return rows;
    }
    sqlite3_stmt* prepare(std::string_view sql);
    std::int64_t changes() const;
    void check(int code);

    std::string path_;
    sqlite3* handle_;
    std::map<std::string, sqlite3_stmt*, std::less<>> prepared_;
    std::optional<Error> failure_;
    bool damaged_ = false;
};

/// Rolls back unless it was committed. A reading one keeps what it sees still.
class Transaction {
public:
    enum class Kind { read, write };
    Transaction(Database& database, Kind kind);
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();

    /// The first failure since the beginning, or that of committing itself.
    Result<void> commit();
    template <class T>
    Result<T> commit(T value) {
        if (auto done = commit(); !done)
            return done.error();
        return value;
    }

private:
    Database& database_;
};

} // namespace loom
