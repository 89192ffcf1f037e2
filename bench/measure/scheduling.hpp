#pragma once
#include "app/runtime.hpp"
#include "core/run/dispatcher.hpp"
#include "core/run/scheduler.hpp"

#include <atomic>
#include <memory>

namespace loom::bench {

/// The ledger as the scheduler sees it when it takes over a catalog. Without a real store behind it every record is taken
/// at once and goes nowhere, and every job of `known` has been seen before.
class SchedulerStore final : public RunStore {
public:
    SchedulerStore(RunStore* behind, CatalogPtr known) : behind_(behind), known_(std::move(known)) {}

    /// Schedules that were recorded as seen.
    std::atomic<std::size_t> seen{0};

    Result<std::vector<Verdict>> commit(std::span<const Record> batch) override;
    Result<std::map<std::string, JobFacts>> facts() override;
    Result<Run> run(const std::string&) override { return unused(); }
    Result<std::string> spec(const std::string&) override { return unused(); }
    Result<std::vector<Run>> runs(const RunFilter&) override { return unused(); }
    Result<std::vector<NodeResult>> results(const std::string&) override { return unused(); }
    Result<NodeResult> result(const std::string&, const std::string&) override { return unused(); }
    Result<std::vector<OutputGroup>> gathered(const std::string&) override { return unused(); }
    Result<std::vector<Pause>> pauses() override { return std::vector<Pause>(); }
    Result<std::vector<InFlight>> in_flight(const std::string&) override { return std::vector<InFlight>(); }
    Result<std::vector<Upstream>> upstreams() override { return std::vector<Upstream>(); }
    Result<std::vector<DueRun>> due_runs(const std::string&, Instant, Instant) override { return unused(); }
    Result<LeftOut> left_out(const std::string&, Instant) override { return LeftOut(); }
    Result<std::vector<Milliseconds>> durations(const std::string&, std::size_t) override { return unused(); }
    Result<std::optional<KnownRequest>> requested(const std::string&) override { return unused(); }
    Result<std::optional<std::string>> delivered(const Delivery&, Instant) override { return unused(); }
    Result<std::vector<std::string>> orphans() override { return unused(); }

private:
    static Error unused() { return {Errc::unavailable, "not of this store"}; }

    RunStore* behind_;
    CatalogPtr known_;
};

/// The real scheduler at work on a catalog, from construction to destruction; nothing may come due meanwhile.
class Scheduling {
public:
    Scheduling(Runtime& runtime, SchedulerStore& store, CatalogPtr catalog);
    Scheduling(const Scheduling&) = delete;
    Scheduling& operator=(const Scheduling&) = delete;
    ~Scheduling();

private:
    Executor strand_;
    EngineParts parts_;
    Journal journal_;
    EventBus bus_;
    Dispatcher dispatcher_;
    Scheduler scheduler_;
    StopToken stop_;
    Scope scope_;
};

/// A job that runs nothing, at `schedule`, on no node.
Job idle_job(const std::string& name, const std::string& schedule);

/// A schedule for each job's own minute, hour and day half a year from now.
std::string quiet_schedule();

} // namespace loom::bench
