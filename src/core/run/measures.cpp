#include "core/run/measures.hpp"

#include <algorithm>

namespace loom {
namespace {

constexpr double run_bounds[] = {0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 43200};
constexpr double lag_bounds[] = {0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60};
constexpr double commit_bounds[] = {0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5};

} // namespace

void Histogram::observe_seconds(double value) {
    const auto place = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(place)].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(static_cast<std::uint64_t>(std::max(0.0, value) * 1e6), std::memory_order_relaxed);
}

Histogram::View Histogram::view() const {
    View view;
    view.bounds.assign(bounds_.begin(), bounds_.end());
    for (std::size_t i = 0; i <= bounds_.size(); ++i) view.counts.push_back(counts_[i].load(std::memory_order_relaxed));
    view.sum = static_cast<double>(sum_us_.load(std::memory_order_relaxed)) / 1e6;
    return view;
}

RunMeasures::RunMeasures() : run_took(run_bounds), schedule_lag(lag_bounds) {}

JournalMeasures::JournalMeasures() : commit_took(commit_bounds) {}

void RunMeasures::count_end(const std::string& job, RunState state, Instant began, Instant at) {
    ended[static_cast<std::size_t>(state)].fetch_add(1, std::memory_order_relaxed);
    const bool ran = state != RunState::skipped && state != RunState::missed;
    if (ran) run_took.observe(at - began);
    if (job.empty() || state == RunState::skipped) return;
    const std::lock_guard lock(mutex_);
    auto entry = jobs_.find(job);
    if (entry == jobs_.end() && jobs_.size() >= limits::measured_jobs) {
        left_out_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    if (entry == jobs_.end()) entry = jobs_.emplace(job, JobMeasures()).first;
    auto& seen = entry->second;
    if (ran) {
        seen.last_end = at;
        seen.last_took = at - began;
    }
    if (state == RunState::ok) {
        seen.last_ok = at;
        seen.failures = 0;
    } else if (state != RunState::cancelled) {
        ++seen.failures;
    }
}

std::map<std::string, JobMeasures> RunMeasures::jobs() const {
    const std::lock_guard lock(mutex_);
    return jobs_;
}

} // namespace loom
