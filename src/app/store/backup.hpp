#pragma once
#include "core/base/error.hpp"

#include <cstdint>
#include <string>

namespace loom {

struct BackupReport {
    std::size_t runs = 0, files = 0;
    std::uint64_t bytes = 0;
};

/// Copies a store, one moment of it, into a new folder that can take a state folder's place as it is: the database, the
/// outputs that it names, and Loom's own known_hosts. Others may write meanwhile, but none prunes (Errc::conflict while one
/// does). The folder appears when all of it is on the disk; Errc::conflict if it is there already. Blocks on the disk.
Result<BackupReport> back_up_ledger(const std::string& state_dir, const std::string& folder);

} // namespace loom
