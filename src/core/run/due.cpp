#include "core/run/due.hpp"

#include "core/base/limits.hpp"
#include "core/model/task_params.hpp"
#include "core/schedule/after.hpp"
#include "core/time/wall_time.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

std::string why_unscheduled(const Catalog& catalog, const Job& job) {
    if (job.policy->after.empty()) return "it has no schedule, and is started " + started_by(catalog, job);
    return "it has no schedule of its own, and follows " + after_text(job);
}

/// Why nothing comes after `after`.
std::string why_none(const Catalog& catalog, const Job& job, const Facts& facts, Instant after) {
    if (!job.schedule) return why_unscheduled(catalog, job);
    const auto& schedule = *job.schedule;
    if (schedule.cron.kind == Cron::Kind::reboot) return "it is due after each boot of the daemon's machine";
    if (is_finished(job, facts)) return fmt::format("its schedule has started as many runs as it may (count: {})", schedule.count);
    const auto due = next(schedule, after);
    if (!due && schedule.end) return fmt::format("it was due until {} (end)", wall_time(*schedule.end, *schedule.zone));
    if (!due) return "its schedule has no instant any more";
    if (const auto* pause = paused(facts, *due); pause && !pause->until)
        return fmt::format("{} is paused until somebody resumes it: {} ({})", pause->job.empty() ? "every job" : "it", pause->reason, pause->by);
    return "all that comes falls into a pause or a blackout";
}

} // namespace

Result<DueList> list_due(const Catalog& catalog, const NextQuery& query, const JobsKnown& known, Instant now) {
    const auto* one = catalog.find_job(query.job);
    if (!query.job.empty() && !one) return no_job(catalog, query.job);
    const auto after_on = [&](const Job* job) -> Result<Instant> {
        if (query.after.empty()) return now;
        return parse_wall_time(query.after, job && job->schedule ? *job->schedule->zone : *catalog.zone, now);
    };
    const auto given = after_on(one);
    if (!given) return usage_error("--after: " + given.error().message);
    const auto count = std::clamp<std::size_t>(query.count, 1, limits::page_items);
    std::vector<std::pair<Instant, const Job*>> all;
    for (const auto& job : catalog.jobs) {
        if (!job.schedule || (!query.job.empty() && query.job != job.name)) continue;
        auto facts = known.of(job);
        const auto after = after_on(&job);
        auto at = upcoming(job, after ? *after : now, facts);
        for (std::size_t i = 0; i < count && at; ++i) {
            all.emplace_back(*at, &job);
            ++facts.started;
            at = upcoming(job, *at, facts);
        }
    }
    std::ranges::sort(all, [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : natural_less(a.second->name, b.second->name);
    });
    DueList list;
    for (const auto& [at, job] : all)
        list.items.push_back({job->name, to_rfc3339(at), wall_time(at, *job->schedule->zone), job->schedule->zone->name()});
    if (one && all.empty()) list.why = why_none(catalog, *one, known.of(*one), *given);
    return list;
}

std::string started_by(const Catalog& catalog, const Job& job) {
    std::vector<std::string> starters;
    for (const auto& hook : catalog.hooks)
        if (hook.job == job.name) starters.push_back("by hook:" + hook.name);
    // What only a delivery gives, nobody can give by hand.
    if (starters.empty() || params_of(*job.task).empty()) starters.push_back("by hand");
    return fmt::format("{}", fmt::join(starters, " or "));
}

} // namespace loom
