#pragma once
#include "core/run/dispatcher.hpp"
#include "core/run/views.hpp"

namespace loom {

/// What a retry repeats of a run, as JSON for its row: the task with its arguments, the deadlines and tries, and for an
/// exec how nodes are reached that are in no catalog.
std::string freeze(const RunPlan& plan);

/// Nodes that `loom retry` and `@failed:RUN` mean, in target order: those that have ended in one of `states`
/// (`failed,unreachable`; empty: any but ok, changed and skipped). Errc::usage for a word that is no terminal state.
Result<std::vector<std::string>> failed_nodes(const std::vector<NodeResult>& results, std::string_view states);

/// The firing that repeats a run on the nodes that did not succeed: its frozen task, deadlines and tries; waves, rules
/// and limits as its job says now. `request.limit` has been applied to the results. Errors: see Service::retry.
Result<Firing> firing_of(CatalogPtr catalog, const Run& run, const std::vector<NodeResult>& results,
                         const StartRetry& request);

/// The runs that the `@failed:RUN` of an expression name.
std::vector<std::string> failed_terms(std::string_view expression);

} // namespace loom
