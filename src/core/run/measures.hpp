#pragma once
#include "core/base/limits.hpp"
#include "core/model/outcome.hpp"
#include "core/model/run.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <span>
#include <vector>

namespace loom {

/// How often values fell below each of some bounds. Any thread; an observation is two additions that wait for nobody.
class Histogram {
public:
    /// What was seen so far, in seconds: `counts` has one more entry than there are bounds, each for itself.
    struct View {
        std::vector<double> bounds;
        std::vector<std::uint64_t> counts;
        double sum = 0;
    };
    /// `bounds` in seconds, rising, at most `most_bounds`; what they point to outlives it.
    explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}
    void observe(Milliseconds value) { observe_seconds(static_cast<double>(value.count()) / 1000); }
    void observe_seconds(double value);
    View view() const;

private:
    static constexpr std::size_t most_bounds = 15;
    std::span<const double> bounds_;
    std::array<std::atomic<std::uint64_t>, most_bounds + 1> counts_{};
    std::atomic<std::uint64_t> sum_us_{0};
};

/// What the last runs of one job that ended came to.
struct JobMeasures {
    Instant last_end{};
    std::optional<Instant> last_ok;
    Milliseconds last_took{0};
    std::uint32_t failures = 0; ///< since the last one that was ok
};

/// What this process has done since it began. Any thread.
struct RunMeasures {
    static constexpr std::size_t causes = 8;
    using Counter = std::atomic<std::uint64_t>;

    std::array<Counter, run_states> ended{}; ///< runs, by how they ended: skipped and missed ones too
    std::array<std::array<Counter, causes>, node_states> targets{}; ///< by how they ended, and why they were not reached
    std::array<Counter, causes> connects{}; ///< tries, by what they came to; none: a session
    Histogram run_took, schedule_lag;

    RunMeasures();
    /// At most limits::measured_jobs jobs have an entry, those that ended a run first.
    void count_end(const std::string& job, RunState state, Instant began, Instant at);
    std::map<std::string, JobMeasures> jobs() const;
    std::uint64_t jobs_left_out() const { return left_out_; }

private:
    mutable std::mutex mutex_;
    std::map<std::string, JobMeasures> jobs_;
    Counter left_out_{0}; ///< ends of runs whose job has no entry
};

/// The same of the ledger.
struct JournalMeasures {
    std::atomic<std::uint64_t> commits{0}, records{0}, failures{0};
    Histogram commit_took;
    JournalMeasures();
};

/// What stands right now, and what was counted.
struct EngineMeasures {
    const RunMeasures* runs = nullptr;
    const JournalMeasures* journal = nullptr;
    std::size_t running = 0, waiting = 0; ///< runs in flight
    std::size_t records_waiting = 0;      ///< for the ledger
    std::size_t sessions_kept = 0;
    std::size_t sockets_held = 0, sockets = 0; ///< of the runs' descriptors
    bool reloaded = true;                 ///< the newest text was taken
    Instant taken{};                      ///< when the catalog in use was
    bool draining = false;
};

} // namespace loom
