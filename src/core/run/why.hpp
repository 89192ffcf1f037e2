#pragma once
#include "core/model/catalog.hpp"
#include "core/run/journal.hpp"
#include "core/run/views.hpp"

#include <set>

namespace loom {

/// One of several instants within the minute that was asked for.
struct AskedInstant {
    Instant due{};
    std::optional<RunState> state; ///< of its row; none: there is none
};

/// What is known of a run, or of one instant of a job: recorded, or configured.
struct WhyFacts {
    CatalogPtr catalog;
    std::string job;                 ///< empty for a run of no job
    const Job* configured = nullptr; ///< the live job of that name; null: gone, or quarantined
    std::string problem;             ///< why it is not live
    ZonePtr zone = utc_zone();       ///< its schedule's, else the catalog's
    std::optional<JobFacts> recorded;
    std::optional<Instant> at;     ///< what was asked for: all of that minute, or of that second where one was given
    std::optional<Run> row;        ///< that of the instant, or of the run; where neither was asked for, the job's newest
    std::vector<AskedInstant> instants; ///< of the minute that was asked for, where it has several
    std::optional<Run> in_the_way; ///< the run that was in flight when a skipped row was written
    std::vector<Run> in_flight;    ///< runs of the job now
    std::vector<Run> by_then;      ///< the newest rows up to `at`, of a job that follows others and of each of those
    Pauses pauses;                 ///< of the job and of every job
    std::size_t made_up = 0;       ///< nodes that got the run of the row's instant later, each alone
    LeftOut left_out;              ///< nodes that are owed a run, or were until it was too late, where the job gives them one
    std::vector<std::string> refused; ///< nodes that refused the login of that run: nothing is owed to them
    std::set<std::string> refusing;   ///< nodes that have refused it since, when they were looked for
    Instant now{};
    bool serving = false; ///< a daemon answers
};

/// Looks the facts up. Errc::not_found with a near name for what is neither a job nor a run, Errc::usage for a time that
/// is none.
Result<WhyFacts> why_facts(RunStore& store, CatalogPtr catalog, const WhyQuery& query, Instant now);

/// The instants that were asked for with `at`: up to here.
Instant end_of(Instant at);

/// Why it ran, did not run, or will: some sentences, made of the facts alone. Pure.
WhyView why(const WhyFacts& facts);

/// What only the process that answers knows.
struct WhyAnswerer {
    bool serving = false;           ///< it is a daemon
    std::set<std::string> refusing; ///< see WhyFacts
};

/// Both. The journal outlives the call.
Result<WhyView> answer_why(RunStore& store, CatalogPtr catalog, const WhyQuery& query, Instant now, const WhyAnswerer& by);
awaitable<Result<WhyView>> ask_why(Journal& journal, CatalogPtr catalog, WhyQuery query, Instant now, WhyAnswerer by);

} // namespace loom
