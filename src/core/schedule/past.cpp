#include "core/schedule/past.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

std::vector<Problem> past_bounds(const Catalog& catalog, Instant now) {
    std::vector<Problem> problems;
    for (const auto& job : catalog.jobs) {
        if (!job.schedule) continue;
        const auto& schedule = *job.schedule;
        const auto warn = [&](std::string message) {
            problems.push_back({Problem::Kind::warning, job.name, to_string(job.source), "schedule: " + std::move(message)});
        };
        if (schedule.cron.kind == Cron::Kind::at && !next(schedule, now)) warn("its one time is past: it starts no more");
        else if (schedule.end && *schedule.end < now) warn(fmt::format("its end, {}, is past: it starts no more", to_rfc3339(*schedule.end)));
        else if (!schedule.only.empty() && !schedule.end && !next(schedule, now)) warn("its calendars (only) come no more: it starts no more");
        if (schedule.start && *schedule.start < now)
            warn(fmt::format("its start, {}, is past and keeps it from nothing any more", to_rfc3339(*schedule.start)));
    }
    return problems;
}

} // namespace loom
