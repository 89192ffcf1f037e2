#pragma once
#include "core/run/dispatcher.hpp"
#include "core/run/views.hpp"

namespace loom {

// The answers that need no waiting: pure functions of a catalog, the ledger's facts and the time.

/// What a person's request to run a job comes to; `by` is the caller's to fill. Errc::not_found with a near name,
/// Errc::conflict for a job that is quarantined or unavailable, Errc::usage for a limit outside the job's targets.
Result<Firing> firing_of(CatalogPtr catalog, const StartJob& request);
/// The same for a command on any nodes. Without a configuration, or with `adhoc`, any host name is a node.
Result<Firing> firing_of(CatalogPtr catalog, const StartExec& request);

Result<RunFilter> filter_of(const RunsQuery& query);
Result<JobList> list_jobs(const Catalog& catalog, const JobsQuery& query, const std::map<std::string, JobFacts>& facts,
                          Instant now);
Result<NodeList> list_nodes(const Catalog& catalog, const NodesQuery& query);
/// The next due times, soonest first; `count` for each job.
Result<DueList> list_due(const Catalog& catalog, const NextQuery& query, Instant now);

} // namespace loom
