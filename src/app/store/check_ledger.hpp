#pragma once
#include "core/base/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace loom {

struct LedgerCheck {
    std::size_t runs = 0, outputs = 0;
    std::uint64_t bytes = 0;         ///< of outputs
    std::vector<std::string> faults; ///< the first of them
    std::size_t fault_count = 0;
};

/// Looks through a state folder, or a copy of one: the database's own checks, every run's sum of states, every output that
/// a row names. Changes nothing. Others may write meanwhile, but none prunes (Errc::conflict while one does). An Error
/// tells why nothing could be looked at. Blocks on the disk.
Result<LedgerCheck> check_ledger(const std::string& state_dir);

} // namespace loom
