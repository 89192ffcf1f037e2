#include "measure/scheduling.hpp"

#include "core/async/block_on.hpp"
#include "measure/rig.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom::bench {
namespace {

EngineParts parts_of(Runtime& runtime, RunStore& store) {
    EngineParts parts;
    parts.strands = runtime.strands();
    parts.store_executor = runtime.store();
    parts.blocking_executor = runtime.blocking();
    parts.store = &store;
    parts.tasks = &runtime.tasks;
    parts.clock = &runtime.clock;
    return parts;
}

} // namespace

Result<std::vector<Verdict>> SchedulerStore::commit(std::span<const Record> batch) {
    Result<std::vector<Verdict>> verdicts = std::vector<Verdict>(batch.size(), Verdict::recorded);
    if (behind_) verdicts = behind_->commit(batch);
    if (verdicts)
        seen += static_cast<std::size_t>(
            std::ranges::count_if(batch, [](const Record& record) { return std::holds_alternative<ScheduleSeen>(record); }));
    return verdicts;
}

Result<std::map<std::string, JobFacts>> SchedulerStore::facts() {
    if (behind_) return behind_->facts();
    std::map<std::string, JobFacts> facts;
    const auto since = SystemClock().now();
    for (const auto& job : known_->jobs) {
        auto& fact = facts[job.name];
        fact.schedule_text = job.schedule->text;
        fact.since = since;
    }
    return facts;
}

Scheduling::Scheduling(Runtime& runtime, SchedulerStore& store, CatalogPtr catalog)
    : strand_(make_strand(runtime.io())), parts_(parts_of(runtime, store)), journal_(store, runtime.store()),
      dispatcher_(parts_, journal_, bus_), scheduler_(parts_, journal_, dispatcher_, strand_), scope_(strand_) {
    auto work = [this, catalog = std::move(catalog)]() -> awaitable<void> { co_await scheduler_.run(catalog, stop_); };
    scope_.spawn(std::move(work));
}

Scheduling::~Scheduling() {
    stop_.request(StopReason::shutdown);
    block_on(strand_, scope_.join());
}

std::string quiet_schedule() {
    const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(SystemClock().now()));
    return fmt::format("H H H {} *", (static_cast<unsigned>(today.month()) + 5) % 12 + 1);
}

Job idle_job(const std::string& name, const std::string& schedule) {
    auto cron = parse_cron(schedule, name);
    if (!cron) give_up(cron.error().message);
    Job job;
    job.name = name;
    job.schedule.emplace();
    job.schedule->text = schedule;
    job.schedule->cron = *cron;
    return job;
}

} // namespace loom::bench
