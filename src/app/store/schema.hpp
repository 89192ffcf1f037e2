#pragma once
#include "app/store/sqlite.hpp"

namespace loom {

/// Brings the database to this program's schema, each version in one transaction; its number is `PRAGMA user_version`.
/// A newer schema is refused: what this program does not know it could only spoil. The caller holds the write lock.
Result<void> migrate(Database& database);

/// For readers, who cannot migrate. False: nothing is in it yet. A schema of another version is an Error.
Result<bool> readable(Database& database);

} // namespace loom
