#pragma once
#include "core/model/catalog.hpp"
#include "core/run/journal.hpp"
#include "core/run/views.hpp"

namespace loom {

/// The job's instants in [from, to). The catalog outlives it.
struct BackfillSpan {
    const Job* job = nullptr;
    Instant from{}, to{};
};

/// Finds the job and reads the request's times, where they name no zone as the job's clocks show them. Errc::usage for a job
/// without a schedule, for what is no time, for `to` before `from`, and for a time to come: what is not due yet its schedule
/// will run.
Result<BackfillSpan> backfill_span(const Catalog& catalog, const BackfillQuery& query, Instant now);

/// The nominal instants of the job's schedule in the span, oldest first, and what becomes of each; `runs` are those that
/// the job has there. One that ran is not run anew unless asked. Errc::usage for more than the query's `max` to run. Pure.
Result<BackfillList> list_backfill(const BackfillQuery& query, const BackfillSpan& span, const std::vector<DueRun>& runs);

/// The same, with what the ledger has. The journal outlives the call.
awaitable<Result<BackfillList>> plan_backfill(Journal& journal, CatalogPtr catalog, BackfillQuery query, Instant now);

} // namespace loom
