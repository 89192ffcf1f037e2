#include "measure/measurements.hpp"
#include "measure/report.hpp"
#include "measure/scheduling.hpp"

#include "core/async/block_on.hpp"
#include "core/base/prefetch.hpp"
#include "core/schedule/planner.hpp"
#include "core/schedule/successor.hpp"

#include <algorithm>
#include <chrono>
#include <spdlog/fmt/fmt.h>
#include <thread>

namespace loom::bench {
namespace {

using namespace std::chrono;

constexpr const char* expressions[] = {"* * * * *",          "*/5 * * * *",        "0 * * * *",      "30 4 * * *",
                                       "0 0 1 * *",          "15 10 * * mon-fri",  "0 0 29 2 *",     "*/15 9-17 * * 1-5",
                                       "0 0 1,15 * 3",       "59 23 31 12 *"};
const Instant begin = sys_days(2024y / 1 / 1), end = sys_days(2040y / 1 / 1);

/// CPU of one `next`, the mean over the expressions: from each due instant to the one after it, as a scheduler asks.
double next_ns(const ZonePtr& zone) {
    constexpr int calls = 200'000;
    double sum = 0;
    for (const auto* const text : expressions) {
        auto schedule = *idle_job("next", text).schedule;
        schedule.zone = zone;
        auto at = begin;
        const auto before = now();
        for (int i = 0; i < calls; ++i) {
            const auto due = next(schedule, at);
            at = due && *due < end ? *due : begin;
        }
        sum += (now().cpu_us - before.cpu_us) * 1e3 / calls;
    }
    return sum / static_cast<double>(std::size(expressions));
}

/// CPU of one firing among so many jobs: taken from the agenda, its next time found and added, and put into a queue. Jobs of
/// equal schedules share one, as those of a catalog do.
double fire_ns(std::size_t jobs) {
    constexpr const char* texts[] = {"H/15 * * * *", "H * * * *", "H H * * *", "H H(9-17) * * mon-fri"};
    std::vector<Shared<Schedule>> schedules;
    schedules.reserve(jobs);
    Distinct<Schedule, ScheduleHash> distinct;
    Agenda agenda;
    for (std::size_t i = 0; i < jobs; ++i) {
        schedules.push_back(idle_job(fmt::format("job{}", i), texts[i % std::size(texts)]).schedule);
        distinct.share(schedules.back());
        agenda.add(static_cast<Agenda::Entry>(i), *next(*std::as_const(schedules)[i], begin));
    }
    std::vector<Agenda::Due> taken, queue;
    std::size_t fires = 0;
    const auto before = now();
    while (fires < 3 * jobs) { // as the planner does
        agenda.take_due(*agenda.next_due(), taken);
        queue.clear();
        Successor successor;
        for (std::size_t i = 0; i < taken.size(); ++i) {
            if (i + prefetch_ahead < taken.size()) {
                const auto soon = taken[i + prefetch_ahead].entry;
                prefetch(schedules[soon]);
                agenda.expect(soon);
            }
            const auto due = taken[i];
            agenda.add(due.entry, *successor.of(*std::as_const(schedules)[due.entry], due.at));
            queue.push_back(due);
        }
        fires += taken.size();
    }
    return (now().cpu_us - before.cpu_us) * 1e3 / static_cast<double>(fires);
}

/// The scheduler's CPU in 10 s in which nothing is due, in per cent of a core.
double idle_percent(std::size_t jobs) {
    const auto text = quiet_schedule();
    const auto catalog = std::make_shared<Catalog>();
    catalog->jobs.reserve(jobs);
    for (std::size_t i = 0; i < jobs; ++i) catalog->jobs.push_back(idle_job(fmt::format("job{:07}", i), text));
    Runtime runtime;
    SchedulerStore store(nullptr, catalog);
    const Scheduling scheduling(runtime, store, catalog);
    const auto percent_of = [](seconds time) {
        const auto before = now();
        std::this_thread::sleep_for(time); // what is measured is that nothing is done
        const auto after = now();
        return (after.cpu_us - before.cpu_us) / (after.wall_us - before.wall_us) * 100;
    };
    while (percent_of(1s) > 10) { // it takes the catalog over
    }
    return percent_of(10s);
}

class NoTask final : public Task {
public:
    bool needs_remote() const override { return false; }
    awaitable<Outcome> run(TaskContext) override {
        Outcome outcome;
        outcome.state = NodeState::ok;
        co_return outcome;
    }
};

struct Storm {
    double fires_per_core_s = 0, lateness_p99_ms = 0;
};

/// Every planned firing makes its task and runs it; lateness is from the due second to the end of the task.
awaitable<Storm> weather(Planner& planner, const TaskRegistry& tasks, Instant due) {
    std::vector<double> late;
    late.reserve(planner.catalog()->jobs.size());
    const auto before = now();
    const auto planned = planner.due(SystemClock().now());
    for (const auto& [job, decision] : planned) {
        if (decision.kind != Decision::Kind::fire) continue;
        const auto task = tasks.make(*job->task);
        TaskContext context;
        context.timeout = job->policy->timeout;
        const auto outcome = co_await (*task)->run(context);
        if (outcome.state == NodeState::ok) late.push_back(duration<double, std::milli>(system_clock::now() - due).count());
    }
    const auto after = now();
    if (late.size() != planner.catalog()->jobs.size()) give_up(fmt::format("only {} jobs fired", late.size()));
    std::ranges::sort(late);
    Storm storm;
    storm.fires_per_core_s = static_cast<double>(late.size()) / (after.cpu_us - before.cpu_us) * 1e6;
    storm.lateness_p99_ms = late[static_cast<std::size_t>(0.99 * static_cast<double>(late.size() - 1))];
    co_return storm;
}

Storm storm(std::size_t jobs) {
    TaskRegistry tasks;
    tasks.add("bench.nothing", [](const TaskSpec&) { return Result<std::unique_ptr<Task>>(std::make_unique<NoTask>()); });
    const auto due = ceil<seconds>(system_clock::now()) + 10s;
    const hh_mm_ss time(due - floor<days>(due));
    const year_month_day date(floor<days>(due));
    const auto text = fmt::format("{} {} {} {} {} *", time.seconds().count(), time.minutes().count(), time.hours().count(),
                                  static_cast<unsigned>(date.day()), static_cast<unsigned>(date.month()));
    const auto catalog = std::make_shared<Catalog>();
    for (std::size_t i = 0; i < jobs; ++i) {
        catalog->jobs.push_back(idle_job(fmt::format("job{:06}", i), text));
        catalog->jobs.back().task->name = "bench.nothing";
    }
    Planner planner([](const std::string&) { return false; }, "");
    planner.activate(catalog, {}, SystemClock().now());
    if (*planner.next_wake() < SystemClock().now()) give_up("the storm came before it was planned");
    Runtime runtime;
    std::this_thread::sleep_until(*planner.next_wake());
    return block_on(make_strand(runtime.io()), weather(planner, tasks, due));
}

} // namespace

void plan(const LocalOptions& options) {
    Report report("plan");
    report.set("next_ns", next_ns(utc_zone()));
    const auto zone = find_zone("Europe/Berlin");
    if (!zone) give_up(zone.error().message);
    report.set("next_zoned_ns", next_ns(*zone));
    report.set("jobs", static_cast<double>(options.jobs * 10));
    report.set("fire_ns", fire_ns(options.jobs * 10));
    report.set("idle_percent", idle_percent(options.jobs * 10));
    report.set("storm_jobs", static_cast<double>(options.jobs));
    const auto storm_figures = storm(options.jobs);
    report.set("fires_per_core_s", storm_figures.fires_per_core_s);
    report.set("lateness_p99_ms", storm_figures.lateness_p99_ms);
    report.print();
}

} // namespace loom::bench
