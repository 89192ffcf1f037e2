#pragma once
#include "core/model/nodeset.hpp"
#include "core/run/journal.hpp"

namespace loom {

// What requests ask of earlier runs. The journal outlives the call.

/// The run with this id, or its unique beginning, or `last`. Errors as RunStore::run.
Result<Run> look_up_run(RunStore& store, const std::string& id);
awaitable<Result<Run>> find_run(Journal& journal, std::string id);
/// `id` in full.
awaitable<Result<std::vector<NodeResult>>> results_of(Journal& journal, std::string id);
/// What `@failed:RUN` means in this expression, read from the ledger beforehand: expanding does not wait.
awaitable<Result<GroupLookup>> failed_lookup(Journal& journal, std::string expression);

} // namespace loom
