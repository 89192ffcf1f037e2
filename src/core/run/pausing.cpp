#include "core/run/pausing.hpp"

#include "core/base/limits.hpp"
#include "core/base/log.hpp"
#include "core/run/to_views.hpp"
#include "core/time/wall_time.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Whether the request names a job, or all.
Result<void> check_resume(const ResumeJob& request) {
    if (request.all == !request.job.empty()) return usage_error("expected a job's name, or --all");
    return {};
}

/// Why there was nothing to resume.
Error not_paused(const Catalog& catalog, const ResumeJob& request) {
    if (request.all) return {Errc::conflict, "there is no pause of every job; a single job is resumed by its name"};
    if (!catalog.find_job(request.job) && !problem_of(catalog, request.job)) return no_job(catalog, request.job);
    return {Errc::conflict, fmt::format("job \"{}\" is not paused by itself; the pause of every job ends with --all", request.job)};
}

/// What a line of the log begins with: one job stands beside it.
std::string_view whose(const Pause& pause) { return pause.job.empty() ? "every job: " : ""; }

/// The pause of this name that is in force.
awaitable<Result<std::optional<Pause>>> pause_in_force(Journal& journal, std::string job, Instant now) {
    auto ask = [](RunStore& store) { return store.pauses(); };
    const auto pauses = co_await journal.read(std::move(ask));
    if (!pauses) co_return pauses.error();
    std::optional<Pause> found;
    for (const auto& pause : *pauses)
        if (pause.job == job && pause.in_force(now)) found = pause;
    co_return found;
}

} // namespace

Result<Pause> pause_of(const Catalog& catalog, const PauseJob& request, std::string by, Instant now) {
    if (request.all == !request.job.empty()) return usage_error("expected a job's name, or --all for every job");
    if (!request.all && !catalog.find_job(request.job) && !problem_of(catalog, request.job)) return no_job(catalog, request.job);
    if (request.reason.find_first_not_of(" \t\n") == std::string::npos || request.reason.size() > limits::pause_reason_bytes)
        return usage_error(fmt::format("--reason: say why, in at most {} bytes: it is shown until the job is resumed", limits::pause_reason_bytes));
    Pause pause{request.job, now, {}, {}, request.reason, std::move(by)};
    if (request.until.empty()) return pause;
    if (const auto span = parse_duration(request.until)) {
        pause.until = now + *span;
    } else {
        const auto* job = catalog.find_job(request.job);
        const auto zone = job && job->schedule ? job->schedule->zone : catalog.zone;
        const auto time = parse_wall_time(request.until, *zone, now);
        if (!time)
            return usage_error(fmt::format("--until: \"{}\" is neither a duration such as 2h nor a time such as 18:00, 2026-01-31T18:00 (both in {}) "
                                           "or 2026-01-31T18:00:00Z",
                                           request.until, zone->name()));
        pause.until = *time;
    }
    if (*pause.until <= now) return usage_error(fmt::format("--until: {} is not ahead", to_rfc3339(*pause.until)));
    return pause;
}

awaitable<Result<PauseView>> record_pause(Journal& journal, CatalogPtr catalog, PauseJob request, Caller caller, Instant now) {
    const auto pause = pause_of(*catalog, request, caller.by, now);
    if (!pause) co_return pause.error();
    JobPaused paused;
    paused.pause = *pause;
    Record record = std::move(paused);
    const auto verdict = co_await journal.record(std::move(record));
    if (!verdict) co_return verdict.error();
    logs::schedule.info({.job = pause->job}, "{}paused by {}: {}", whose(*pause), caller.by, pause->reason);
    const auto found = co_await pause_in_force(journal, pause->job, now);
    if (!found) co_return found.error();
    co_return to_view(found->value_or(*pause));
}

awaitable<Result<PauseView>> record_resume(Journal& journal, CatalogPtr catalog, ResumeJob request, Caller caller, Instant now) {
    if (auto checked = check_resume(request); !checked) co_return checked.error();
    const auto job = request.job;
    const auto pause = co_await pause_in_force(journal, job, now);
    if (!pause) co_return pause.error();
    if (!*pause) co_return not_paused(*catalog, request);
    JobResumed resumed;
    resumed.job = job;
    resumed.at = now;
    Record record = std::move(resumed);
    const auto verdict = co_await journal.record(std::move(record));
    if (!verdict) co_return verdict.error();
    logs::schedule.info({.job = job}, "{}resumed by {}", whose(**pause), caller.by);
    co_return to_view(**pause);
}

awaitable<Result<JobsKnown>> jobs_known(Journal& journal) {
    auto ask = [](RunStore& store) -> Result<JobsKnown> {
        JobsKnown known;
        auto facts = store.facts();
        if (!facts) return facts.error();
        known.facts = std::move(*facts);
        const auto pauses = store.pauses();
        if (!pauses) return pauses.error();
        known.pauses = PauseTable(*pauses);
        return known;
    };
    co_return co_await journal.read(std::move(ask));
}

} // namespace loom
