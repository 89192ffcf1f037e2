#pragma once
#include "core/run/queries.hpp"

namespace loom {

/// The next due times, soonest first; `count` for each job, but no more than its schedule is to start. Of one job that has
/// none the list says why. Pure.
Result<DueList> list_due(const Catalog& catalog, const NextQuery& query, const JobsKnown& known, Instant now);

} // namespace loom
