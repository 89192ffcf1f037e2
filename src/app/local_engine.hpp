#pragma once
#include "app/runtime.hpp"
#include "app/store/sqlite_store.hpp"
#include "app/worker/worker_pool.hpp"
#include "core/run/engine.hpp"

namespace loom {

/// An engine in this process over the catalog's state folder, with the real store, SSH and shell. Blocks on files.
Result<std::unique_ptr<Engine>> open_local_engine(Runtime& runtime, CatalogPtr catalog, StoreMode mode,
                                                  std::function<Result<CatalogPtr>()> read_catalog = {});

/// Where this process's workers start, and how many of them there may be.
WorkerPoolOptions worker_pool_options(Runtime& runtime, const Settings& settings);

} // namespace loom
