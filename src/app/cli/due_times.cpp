#include "app/cli/due_times.hpp"

#include "app/cli/output/times.hpp"
#include "core/time/wall_time.hpp"

namespace loom {

Result<DueList> due_of(const Cron& cron, const std::string& zone, const NextQuery& query, Instant now) {
    Schedule schedule;
    schedule.cron = cron;
    auto found = zone.empty() ? Result<ZonePtr>(local_zone()) : find_zone(zone);
    if (!found) return usage_error("--tz: " + found.error().message);
    schedule.zone = *found;
    auto after = query.after.empty() ? Result<Instant>(now) : parse_wall_time(query.after, *schedule.zone, now);
    if (!after) return usage_error("--after: " + after.error().message);
    DueList due;
    auto at = *after;
    for (std::uint32_t i = 0; i < query.count; ++i) {
        const auto following = next(schedule, at);
        if (!following) break;
        at = *following;
        due.items.push_back({query.job, to_rfc3339(at), wall_time(at, *schedule.zone), schedule.zone->name()});
    }
    return due;
}

Table due_table(const std::vector<DueView>& due, Instant now, bool jobs) {
    std::vector<Column> columns{{"DUE", 0, 20}, {"IN", 1, 6}, {"ZONE", 3, 6}};
    if (jobs) columns.insert(columns.begin(), {"JOB", 0, 16});
    Table table(columns);
    for (const auto& item : due) {
        std::vector<Cell> row{friendly_wall_time(item.local), relative_time(std::optional(item.due), now), item.tz};
        if (jobs) row.insert(row.begin(), item.job);
        table.add(row);
    }
    return table;
}

} // namespace loom
