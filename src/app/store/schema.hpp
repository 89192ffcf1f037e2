#pragma once
#include "app/store/sqlite.hpp"

namespace loom {

/// Brings the database to this program's schema, each version in one transaction; its number is `PRAGMA user_version`.
/// A newer schema is refused: what this program does not know it could only spoil. The caller holds the write lock. `outputs` is
/// the folder of texts.
Result<void> migrate(Database& database, const std::string& outputs);

/// Of each connection that writes. What is deleted is overwritten only where that costs no further writing: else a prune would need as
/// much room in the log as it frees, which a full disk does not have. The log is cut back once it has been moved into the database.
inline constexpr const char* writer_settings =
    "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = FAST; PRAGMA journal_size_limit = 16777216;";

enum class SchemaAge { none, older, current };
/// For readers, whose connection cannot migrate. A newer schema is an Error, and so is none where `outputs` holds something
/// already: only rows that are gone can have named it, and what began anew would sweep it away.
Result<SchemaAge> schema_age(Database& database, const std::string& outputs);

} // namespace loom
