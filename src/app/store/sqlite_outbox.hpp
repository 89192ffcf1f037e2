#pragma once
#include "core/run/outbox.hpp"

#include <memory>

namespace loom {

/// The outbox in the ledger below `state_dir`, which a store has made: on a connection of its own, whose writing takes turns with the others'
/// (the write lock). One thread at a time.
Result<std::unique_ptr<Outbox>> open_sqlite_outbox(const std::string& state_dir);

/// What is in the outbox, read without a lock; empty where there is no ledger yet.
Result<std::vector<OutboxEntry>> read_outbox(const std::string& state_dir, std::size_t most);

} // namespace loom
