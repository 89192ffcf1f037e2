#pragma once
#include "app/store/sqlite_store.hpp"
#include "core/run/token_store.hpp"

namespace loom {

/// The tokens in the ledger's database, on a connection of its own; what is changed takes a turn of the write lock, as another
/// process would. The ledger has been opened before, so that its tables are there. Opened by the first question.
std::unique_ptr<TokenStore> open_token_store(const std::string& state_dir, StoreMode mode);

} // namespace loom
