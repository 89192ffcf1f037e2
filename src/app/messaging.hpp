#pragma once
#include "core/run/messaging.hpp"

#include <memory>

namespace loom {

/// Hooks judged and rules told of as the daemon does it, over the ledger below the catalog's state folder. `blocking`: for
/// files and look-ups.
std::unique_ptr<Messaging> create_messaging(const Executor& blocking);

} // namespace loom
