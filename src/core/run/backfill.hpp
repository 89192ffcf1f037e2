#pragma once
#include "core/model/catalog.hpp"
#include "core/run/journal.hpp"
#include "core/run/views.hpp"

namespace loom {

/// The instants in [from, to).
struct BackfillSpan {
    Instant from{}, to{};
};

/// Reads the request's times. Errc::usage for one that is no time, for `to` before `from`, and for a time to come: what is
/// not due yet its schedule will run.
Result<BackfillSpan> backfill_span(const BackfillQuery& query, Instant now);

/// The nominal instants of the job's schedule in the span, oldest first, and what becomes of each; `runs` are those that
/// the job has there. One that ran is not run anew unless asked. Errc::usage for a job without a schedule and for more than
/// the query's `max` to run. Pure.
Result<BackfillList> list_backfill(const Catalog& catalog, const BackfillQuery& query, const BackfillSpan& span,
                                   const std::vector<DueRun>& runs);

/// The same, with what the ledger has. The journal outlives the call.
awaitable<Result<BackfillList>> plan_backfill(Journal& journal, CatalogPtr catalog, BackfillQuery query, Instant now);

} // namespace loom
