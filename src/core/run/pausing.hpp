#pragma once
#include "core/run/journal.hpp"
#include "core/run/queries.hpp"
#include "core/run/service.hpp"

namespace loom {

/// The pause that a person's request comes to. Errc::usage says which flag is wrong, Errc::not_found which job is near. Pure.
Result<Pause> pause_of(const Catalog& catalog, const PauseJob& request, std::string by, Instant now);

/// Takes the pause down; gives the one that is in force then. Errors are those of `pause_of`, and the ledger's.
awaitable<Result<PauseView>> record_pause(Journal& journal, CatalogPtr catalog, PauseJob request, Caller caller, Instant now);
/// Ends the pause that is in force, and gives it. Errc::conflict where there is none.
awaitable<Result<PauseView>> record_resume(Journal& journal, CatalogPtr catalog, ResumeJob request, Caller caller, Instant now);

/// What the ledger says of jobs.
awaitable<Result<JobsKnown>> jobs_known(Journal& journal);

} // namespace loom
