#pragma once
#include "core/model/nodeset.hpp"
#include "core/run/journal.hpp"
#include "core/run/views.hpp"

namespace loom {

// What requests ask of earlier runs. The journal outlives the call.

/// The run with this id, or its unique beginning, or `last`. Errors as RunStore::run.
Result<Run> look_up_run(RunStore& store, const std::string& id);
awaitable<Result<Run>> find_run(Journal& journal, std::string id);
/// `id` in full.
awaitable<Result<std::vector<NodeResult>>> results_of(Journal& journal, std::string id);
/// What `@failed:RUN` means in this expression, read from the ledger beforehand: expanding does not wait.
awaitable<Result<GroupLookup>> failed_lookup(Journal& journal, std::string expression);

// As Service's (core/run/service.hpp).
awaitable<Result<RunPage>> list_runs(Journal& journal, RunsQuery request);
awaitable<Result<NodeResultList>> list_results(Journal& journal, RunRef request);
awaitable<Result<OutputGroupList>> list_groups(Journal& journal, RunRef request);
awaitable<Result<NodeOutputView>> find_output(Journal& journal, NodeRef request);

} // namespace loom
