#pragma once
#include "core/run/dispatcher.hpp"
#include "core/run/views.hpp"
#include "core/schedule/planner.hpp"

namespace loom {

// The answers that need no waiting: pure functions of a catalog, the ledger's facts and the time.

/// What a person's request to run a job comes to; `by` is the caller's to fill. Errc::not_found with a near name,
/// Errc::conflict for a job that is quarantined or unavailable, Errc::usage for a limit outside the job's targets.
/// `failed` answers `@failed:RUN`.
Result<Firing> firing_of(CatalogPtr catalog, const StartJob& request, const GroupLookup& failed = {});
/// The same for a command or a task on any nodes; whether the task takes its arguments is the caller's to try. Without a
/// configuration, or with `adhoc`, any host name is a node.
Result<Firing> firing_of(CatalogPtr catalog, const StartExec& request, const GroupLookup& failed = {});
/// What that run would do: its targets, wave by wave.
PlanView plan_view(const Firing& firing);
/// The results of those nodes of a run that a limit names. Errc::not_found for a name that is no target of the run.
Result<std::vector<NodeResult>> within_limit(const Catalog& catalog, std::vector<NodeResult> results, const std::string& limit,
                                             const GroupLookup& failed = {});
/// The password that a person gives for this one run goes before what job and node have; empty: nothing. Errc::usage
/// where the task does not go through sudo.
Result<void> set_become_password(TaskSpec& task, const std::string& password);

/// What keeps a job of this name from being live; null: nothing known.
const Problem* problem_of(const Catalog& catalog, std::string_view job);
/// Why this name is no live job: Errc::not_found with a near name, or Errc::conflict.
Error no_job(const Catalog& catalog, const std::string& name);

Result<RunFilter> filter_of(const RunsQuery& query);
/// What the ledger says of jobs: their runs and their pauses.
struct JobsKnown {
    std::map<std::string, JobFacts> facts;
    PauseTable pauses;

    /// The job's, with its pauses; what another schedule text has started counts for nothing.
    Facts of(const Job& job) const;
};
Result<JobList> list_jobs(const Catalog& catalog, const JobsQuery& query, const JobsKnown& known, Instant now);
Result<NodeList> list_nodes(const Catalog& catalog, const NodesQuery& query, const GroupLookup& failed = {});
/// One node by its name; without a configuration any host name is a node. Errc::not_found with a near name.
Result<Node> node_of(const Catalog& catalog, const std::string& name);

} // namespace loom
