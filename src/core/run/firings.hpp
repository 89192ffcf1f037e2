#pragma once
#include "core/run/dispatcher.hpp"
#include "core/run/journal.hpp"

namespace loom {

// What a person's request comes to, with what only the ledger knows: the nodes of `@failed:RUN`, and the run that a retry
// repeats. Errors as firing_of (core/run/queries.hpp). Journal and registry outlive the calls.

awaitable<Result<Firing>> job_firing(Journal& journal, CatalogPtr catalog, StartJob request);
awaitable<Result<Firing>> exec_firing(Journal& journal, CatalogPtr catalog, const TaskRegistry& tasks, StartExec request);
awaitable<Result<Firing>> retry_firing(Journal& journal, CatalogPtr catalog, StartRetry request);

} // namespace loom
