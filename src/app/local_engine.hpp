#pragma once
#include "app/runtime.hpp"
#include "app/store/sqlite_store.hpp"
#include "core/run/engine.hpp"

namespace loom {

/// An engine in this process over the catalog's state folder, with the real store, SSH and shell. Blocks on files.
Result<std::unique_ptr<Engine>> open_local_engine(Runtime& runtime, CatalogPtr catalog, StoreMode mode,
                                                  std::function<Result<CatalogPtr>()> read_catalog = {});

} // namespace loom
