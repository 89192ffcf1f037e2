#pragma once
#include "app/store/sqlite.hpp"

namespace loom {

/// Brings the database to this program's schema, each version in one transaction; its number is `PRAGMA user_version`.
/// A newer schema is refused: what this program does not know it could only spoil. The caller holds the write lock. `outputs` is
/// the folder of texts.
Result<void> migrate(Database& database, const std::string& outputs);

enum class SchemaAge { none, older, current };
/// For readers, whose connection cannot migrate. A newer schema is an Error, and so is none where `outputs` holds something
/// already: only rows that are gone can have named it, and what began anew would sweep it away.
Result<SchemaAge> schema_age(Database& database, const std::string& outputs);

} // namespace loom
