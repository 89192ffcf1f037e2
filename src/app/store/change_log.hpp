#pragma once
#include "core/run/change_log.hpp"

#include <memory>
#include <string>

namespace loom {

/// The changes of runs in the ledger's database, read on a connection of its own. The ledger has been opened before. Opened by
/// the first question.
std::unique_ptr<ChangeLog> open_change_log(const std::string& state_dir);

} // namespace loom
