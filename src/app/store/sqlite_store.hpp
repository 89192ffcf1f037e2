#pragma once
#include "core/run/run_store.hpp"

#include <memory>

namespace loom {

enum class StoreMode {
    read_write, ///< makes what is missing; several processes may hold one store so, their commits take turns
    /// Takes no lock and changes nothing, but that it brings an older ledger up to date; where none exists yet it is empty.
    /// Opened by the first question.
    read_only,
};

/// The ledger in SQLite below `state_dir`: `loom.db`, `outputs/`, `runs/<id>.lock` and `write.lock`. Read-write makes
/// the folder 0700 and the database 0600. Not safe for two threads at once, as the port says; destroying it leaves its running runs to be
/// orphans.
Result<std::unique_ptr<RunStore>> open_sqlite_store(const std::string& state_dir, StoreMode mode);

} // namespace loom
