#include "core/schedule/forecast.hpp"

#include <algorithm>

namespace loom {
namespace {

using namespace std::chrono;

void raise(Forecast::Peak& peak, std::uint64_t count, Instant at) {
    if (count > peak.count) peak = {count, at};
}

} // namespace

std::size_t reached_nodes(const Job& job) { return job.policy->fan_out.run_once ? std::min<std::size_t>(job.targets->nodes.size(), 1) : job.targets->nodes.size(); }

std::size_t nodes_at_once(const Job& job) { return std::min(reached_nodes(job), job.policy->fan_out.parallel); }

Forecast::Forecast(const Simulation& simulation, ZonePtr zone)
    : first_job_(simulation.catalog->jobs.data()), jobs_(simulation.catalog->jobs.size()), zone_(std::move(zone)),
      offset_until_(sys_seconds::min()) {
    first_day_ = floor<days>(local(simulation.from));
    const auto last_day = floor<days>(local(simulation.to - milliseconds(1)));
    offset_until_ = sys_seconds::min(); // time begins at `from` again
    hours_.resize(static_cast<std::size_t>((last_day - first_day_).count() + 1) * 24);
}

LocalSeconds Forecast::local(Instant at) {
    const auto whole = floor<seconds>(at);
    if (whole >= offset_until_) {
        const auto& list = zone_->transitions();
        const auto index = zone_->index_at(whole);
        offset_ = list[index].offset;
        offset_until_ = index + 1 < list.size() ? list[index + 1].at : sys_seconds::max();
    }
    return LocalSeconds(whole.time_since_epoch() + offset_);
}

void Forecast::decided(const Job& job, const Decision& decision, Instant) {
    auto& sum = of(job);
    switch (decision.kind) {
    case Decision::Kind::nothing:
    case Decision::Kind::hold: break; // not settled
    case Decision::Kind::fire:
        ++sum.runs;
        if (!sum.first) sum.first = decision.due;
        sum.last = decision.due;
        break;
    case Decision::Kind::skip: ++sum.skipped; break;
    case Decision::Kind::missed: ++sum.missed; break;
    }
}

void Forecast::began(const Job& job, Instant at) {
    const auto minute = floor<minutes>(at);
    if (minute != minute_.at) minute_ = {0, minute};
    ++minute_.count;
    raise(busiest_, minute_.count, minute);
    raise(most_runs_, ++runs_now_, at);
    raise(most_nodes_, nodes_now_ += nodes_at_once(job), at);

    // Clocks that go back over midnight show a day that had ended, or one that the simulation's end no longer shows.
    const auto hour = static_cast<std::size_t>(std::max<std::int64_t>(0, floor<std::chrono::hours>(local(at) - first_day_).count()));
    if (hour >= hours_.size()) hours_.resize((hour / 24 + 1) * 24);
    auto& cell = hours_[hour];
    ++cell.runs;
    cell.node_runs += reached_nodes(job);
}

void Forecast::ended(const Job& job, Instant) {
    --runs_now_;
    nodes_now_ -= nodes_at_once(job);
}

void Forecast::clocks_changed(const Job& job, const ClockChange&) { ++of(job).clock_changes; }

Forecast::OfJob Forecast::total() const {
    OfJob sum;
    for (const auto& job : jobs_) {
        sum.runs += job.runs;
        sum.skipped += job.skipped;
        sum.missed += job.missed;
        sum.clock_changes += job.clock_changes;
        if (job.first && (!sum.first || *job.first < *sum.first)) sum.first = job.first;
        if (job.last && (!sum.last || *job.last > *sum.last)) sum.last = job.last;
    }
    return sum;
}

std::uint64_t Forecast::node_runs() const {
    std::uint64_t sum = 0;
    for (const auto& hour : hours_) sum += hour.node_runs;
    return sum;
}

} // namespace loom
