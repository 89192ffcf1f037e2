#include "core/schedule/simulate.hpp"

#include "core/schedule/overlap.hpp"
#include "core/schedule/planner.hpp"

#include <algorithm>
#include <queue>
#include <set>
#include <string_view>
#include <unordered_map>

namespace loom {
namespace {

/// The runs that have not ended, as the dispatcher would have them: it begins them, lets them wait, and ends them.
class Runs {
public:
    Runs(const Simulation& simulation, SimulationVisitor& visitor)
        : simulation_(simulation), visitor_(visitor), of_(simulation.catalog->jobs.size()) {
        places_.reserve(of_.size());
        for (std::size_t i = 0; i < of_.size(); ++i) places_.emplace(simulation.catalog->jobs[i].name, i);
    }

    bool in_flight(std::string_view job) const {
        const auto& own = of_[places_.at(job)];
        return !own.running.empty() || !own.waiting.empty();
    }
    std::optional<Instant> next_end() const {
        if (ends_.empty()) return std::nullopt;
        return ends_.top().at;
    }

    void fire(const Job& job, const Decision& decision, Instant now) {
        auto& own = of_[place_of(job)];
        if (own.running.empty() && own.waiting.empty()) return begin(job, decision, now);
        const auto policy = overlap_of_runs(job);
        const auto plan = decide_overlap(policy, in_flight(own));
        std::erase_if(own.waiting, [&](const Waiting& waiting) {
            if (std::ranges::find(plan.replaced, std::to_string(waiting.number)) == plan.replaced.end()) return false;
            const auto why = replaced_message(policy, "of " + to_rfc3339(decision.due));
            visitor_.decided(job, {Decision::Kind::skip, waiting.decision.due, waiting.decision.reason, why, {}}, now);
            return true;
        });
        for (std::size_t i = 0; i < plan.cancelled.size(); ++i) visitor_.ended(job, now);
        if (!plan.cancelled.empty()) own.running.clear();
        if (plan.kind == OverlapPlan::Kind::skip)
            return visitor_.decided(job, {Decision::Kind::skip, decision.due, decision.reason, plan.why, {}}, now);
        if (plan.kind == OverlapPlan::Kind::start) return begin(job, decision, now);
        own.waiting.push_back({decision, number_++});
        begin_waiting(job, now);
    }

    /// The next end, at `now`.
    void end(Instant now) {
        const auto over = ends_.top();
        ends_.pop();
        auto& own = of_[place_of(*over.job)];
        if (std::erase(own.running, over.number) == 0) return; // it was cancelled
        visitor_.ended(*over.job, now);
        begin_waiting(*over.job, now);
    }

private:
    struct Waiting {
        Decision decision;
        std::uint64_t number;
    };
    struct OfJob {
        std::vector<std::uint64_t> running;
        std::vector<Waiting> waiting; ///< oldest first
    };
    struct End {
        Instant at;
        std::uint64_t number; ///< runs that end together end as they began
        const Job* job;
        bool operator<(const End& other) const { return at != other.at ? other.at < at : other.number < number; }
    };

    std::size_t place_of(const Job& job) const { return static_cast<std::size_t>(&job - simulation_.catalog->jobs.data()); }

    static std::vector<InFlight> in_flight(const OfJob& own) {
        std::vector<InFlight> list;
        for (const auto number : own.running) list.push_back({std::to_string(number), RunState::running});
        for (const auto& waiting : own.waiting) list.push_back({std::to_string(waiting.number), RunState::waiting});
        return list;
    }
    void begin(const Job& job, const Decision& decision, Instant now) {
        const auto place = place_of(job);
        of_[place].running.push_back(number_);
        ends_.push({now + simulation_.lengths[place], number_++, &job});
        visitor_.decided(job, decision, now);
        visitor_.began(job, now);
    }
    void begin_waiting(const Job& job, Instant now) {
        auto& own = of_[place_of(job)];
        if (own.waiting.empty() || turn_of(std::to_string(own.waiting.front().number), in_flight(own)) != Turn::begin) return;
        const auto decision = std::move(own.waiting.front().decision);
        own.waiting.erase(own.waiting.begin());
        begin(job, decision, now);
    }

    const Simulation& simulation_;
    SimulationVisitor& visitor_;
    std::vector<OfJob> of_; ///< by the job's place
    std::unordered_map<std::string_view, std::size_t> places_;
    std::priority_queue<End> ends_;
    std::uint64_t number_ = 0;
};

/// The transitions of all zones that jobs go by, in order.
class Clocks {
public:
    Clocks(const Catalog& catalog, Instant from, Instant to) : catalog_(catalog) {
        std::set<const Zone*> zones;
        for (const auto& job : catalog.jobs)
            if (job.schedule) zones.insert(job.schedule->zone.get());
        for (const auto* zone : zones)
            for (std::size_t i = 0; i < zone->transitions().size(); ++i)
                if (const auto at = clocks_change_at(*zone, i); at && *at >= from && *at < to) changes_.push_back({*at, zone, i});
        std::ranges::sort(changes_, [](const auto& a, const auto& b) {
            return a.at != b.at ? a.at < b.at : a.zone->name() < b.zone->name();
        });
    }

    std::optional<Instant> next() const {
        if (done_ == changes_.size()) return std::nullopt;
        return changes_[done_].at;
    }
    void tell(SimulationVisitor& visitor) {
        const auto& change = changes_[done_++];
        for (const auto& job : catalog_.jobs) {
            if (!job.schedule || job.schedule->zone.get() != change.zone) continue;
            if (const auto found = clock_change(*job.schedule, change.transition)) visitor.clocks_changed(job, *found);
        }
    }

private:
    struct Change {
        Instant at;
        const Zone* zone;
        std::size_t transition;
    };
    const Catalog& catalog_;
    std::vector<Change> changes_;
    std::size_t done_ = 0;
};

} // namespace

void simulate(const Simulation& simulation, SimulationVisitor& visitor) {
    Runs runs(simulation, visitor);
    Clocks clocks(*simulation.catalog, simulation.from, simulation.to);
    Planner planner([&](const std::string& job) { return runs.in_flight(job); }, "");
    // Everything is new at the beginning, so nothing is made up; what an activation fires at once is a boot's.
    planner.activate(simulation.catalog, {}, simulation.from - Milliseconds(1));
    const auto before = [](std::optional<Instant> a, std::optional<Instant> b) { return a && (!b || *a <= *b); };
    for (;;) {
        const auto end = runs.next_end(), change = clocks.next(), wake = planner.next_wake();
        if (before(end, change) && before(end, wake)) {
            if (*end >= simulation.to) return;
            runs.end(*end);
        } else if (before(change, wake)) {
            clocks.tell(visitor);
        } else if (wake && *wake < simulation.to) {
            for (const auto& [job, decision] : planner.due(*wake)) {
                if (decision.kind == Decision::Kind::fire) runs.fire(*job, decision, *wake);
                else visitor.decided(*job, decision, *wake);
            }
        } else {
            return;
        }
    }
}

} // namespace loom
