#pragma once
#include "core/schedule/simulate.hpp"

#include <cstdint>

namespace loom {

/// What a simulation comes to: each job's numbers, the highest load, and the starts of every hour.
class Forecast final : public SimulationVisitor {
public:
    struct OfJob {
        std::uint64_t runs = 0, skipped = 0, missed = 0, clock_changes = 0;
        std::optional<Instant> first, last; ///< due times that run
    };
    /// The first time at which it was so high.
    struct Peak {
        std::uint64_t count = 0;
        Instant at{};
    };
    struct Hour {
        std::uint64_t runs = 0;
        std::uint64_t node_runs = 0; ///< runs, each times its nodes
    };

    /// Hours are those of clocks in the zone.
    explicit Forecast(const Simulation& simulation, ZonePtr zone);

    void decided(const Job& job, const Decision& decision, Instant at) override;
    void began(const Job& job, Instant at) override;
    void ended(const Job& job, Instant at) override;
    void clocks_changed(const Job& job, const ClockChange& change) override;

    /// By the job's place in the catalog.
    const std::vector<OfJob>& jobs() const { return jobs_; }
    OfJob total() const;
    std::uint64_t node_runs() const;
    Peak busiest_minute() const { return busiest_; } ///< runs that start in it
    Peak most_runs() const { return most_runs_; }    ///< at once
    Peak most_nodes() const { return most_nodes_; }  ///< at work at once, each run's at most its `parallel`

    /// The local days from the first one on, 24 hours each. An hour that the clocks repeat counts both.
    std::chrono::local_days first_day() const { return first_day_; }
    const std::vector<Hour>& hours() const { return hours_; }
    const ZonePtr& zone() const { return zone_; }

private:
    LocalSeconds local(Instant at);
    OfJob& of(const Job& job) { return jobs_[static_cast<std::size_t>(&job - first_job_)]; }

    const Job* first_job_;
    std::vector<OfJob> jobs_;
    Peak minute_, busiest_, most_runs_, most_nodes_;
    std::uint64_t runs_now_ = 0, nodes_now_ = 0;
    ZonePtr zone_;
    std::chrono::sys_seconds offset_until_{}; ///< until when `offset_` holds: looked up once for each change of the clocks
    std::chrono::seconds offset_{};
    std::chrono::local_days first_day_;
    std::vector<Hour> hours_;
};

/// How many nodes a run of the job reaches, and has at work at once.
std::size_t reached_nodes(const Job& job);
std::size_t nodes_at_once(const Job& job);

} // namespace loom
