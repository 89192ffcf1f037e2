#include "core/run/backfill.hpp"

#include "core/base/limits.hpp"
#include "core/run/queries.hpp"
#include "core/time/wall_time.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// A row that says that nothing ran leaves its instant to be made up.
bool has_run(const DueRun& run) { return run.state != RunState::missed && run.state != RunState::skipped; }

} // namespace

Result<BackfillSpan> backfill_span(const Catalog& catalog, const BackfillQuery& query, Instant now) {
    const auto* job = catalog.find_job(query.job);
    if (!job) return no_job(catalog, query.job);
    if (!job->schedule) return usage_error(fmt::format("job \"{}\" has no schedule: it has no instants to make up", job->name));
    const auto from = parse_wall_time(query.from, *job->schedule->zone, now);
    if (!from) return usage_error("--from: " + from.error().message);
    const auto to = parse_wall_time(query.to, *job->schedule->zone, now);
    if (!to) return usage_error("--to: " + to.error().message);
    if (*to <= *from) return usage_error(fmt::format("--to: {} is not after --from {}", query.to, query.from));
    if (*to > now) return usage_error(fmt::format("--to: {} is still to come; its schedule will run that", query.to));
    return BackfillSpan{job, *from, *to};
}

Result<BackfillList> list_backfill(const BackfillQuery& query, const BackfillSpan& span, const std::vector<DueRun>& runs) {
    const auto& schedule = *span.job->schedule;
    std::map<Instant, const DueRun*> known;
    for (const auto& run : runs)
        if (has_run(run)) known[run.due] = &run;
    const std::size_t most = query.max == 0 ? limits::backfill_runs : query.max;
    std::size_t count = 0;
    BackfillList list;
    for (auto due = next(schedule, span.from - Milliseconds(1)); due && *due < span.to; due = next(schedule, *due)) {
        BackfillView view;
        view.due = to_rfc3339(*due);
        view.local = wall_time(*due, *schedule.zone);
        const auto found = known.find(*due);
        view.runs = found == known.end() || query.again;
        if (!view.runs)
            view.why = fmt::format("{} in run {}", to_string(found->second->state), found->second->run);
        if (view.runs && ++count > most)
            return usage_error(fmt::format("more than {} instants to run; --max takes a greater number", most));
        if (list.items.size() == limits::backfill_instants)
            return usage_error(fmt::format("more than {} instants: narrow --from and --to", limits::backfill_instants));
        list.items.push_back(std::move(view));
    }
    return list;
}

awaitable<Result<BackfillList>> plan_backfill(Journal& journal, CatalogPtr catalog, BackfillQuery query, Instant now) {
    const auto span = backfill_span(*catalog, query, now);
    if (!span) co_return span.error();
    auto ask = [job = query.job, span = *span](RunStore& store) { return store.due_runs(job, span.from, span.to); };
    const auto runs = co_await journal.read(std::move(ask));
    if (!runs) co_return runs.error();
    co_return list_backfill(query, *span, *runs);
}

} // namespace loom
