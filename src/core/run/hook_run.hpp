#pragma once
#include "core/run/dispatcher.hpp"
#include "core/run/gate.hpp"
#include "core/run/hook_start.hpp"

namespace loom {

/// Starts the job once for each delivery id. Where the job is paused, or its overlap lets it not begin, the row says `skipped` and why,
/// and is what the delivery has made. Errors: Errc::conflict where the job cannot run or Loom drains, Errc::unavailable where the ledger
/// cannot be asked. `dispatcher` and `journal` outlive the call.
awaitable<Result<HookStarted>> start_by_hook(Journal& journal, Dispatcher& dispatcher, const Gate& gate, CatalogPtr catalog, HookStart start,
                                             Instant now);

} // namespace loom
