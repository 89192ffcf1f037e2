#pragma once
#include "core/run/queries.hpp"

namespace loom {

/// The next due times, soonest first; `count` for each job, but no more than its schedule is to start. Of one job that has
/// none the list says why. Pure.
Result<DueList> list_due(const Catalog& catalog, const NextQuery& query, const JobsKnown& known, Instant now);

/// What starts a job that has no schedule and follows nothing: `by hand`, `by hook:deploy or by hand`. Pure.
std::string started_by(const Catalog& catalog, const Job& job);

} // namespace loom
