#include "core/schedule/simulate.hpp"

#include "core/schedule/after.hpp"
#include "core/schedule/fan_out.hpp"
#include "core/schedule/overlap.hpp"
#include "core/schedule/planner.hpp"

#include <algorithm>
#include <queue>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace loom {
namespace {

/// The runs that have not ended, as the dispatcher would have them: it begins them, lets them wait, ends them, and begins
/// what follows them.
class Runs {
public:
    Runs(const Simulation& simulation, SimulationVisitor& visitor)
        : simulation_(simulation), visitor_(visitor), pauses_(simulation.pauses), of_(simulation.catalog->jobs.size()) {
        const auto& jobs = simulation.catalog->jobs;
        places_.reserve(of_.size());
        for (std::size_t i = 0; i < of_.size(); ++i) places_.emplace(jobs[i].name, i);
        for (std::size_t i = 0; i < of_.size(); ++i)
            for (const auto& after : jobs[i].policy->after)
                if (const auto upstream = places_.find(after.job); upstream != places_.end()) of_[upstream->second].followers.push_back(i);
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
        if (!plan.cancelled.empty())
            for (const auto& run : std::exchange(own.running, {})) ended(job, run.due, RunState::cancelled, now);
        if (plan.kind == OverlapPlan::Kind::skip) {
            visitor_.decided(job, {Decision::Kind::skip, decision.due, decision.reason, plan.why, {}}, now);
            if (decision.reason == Reason::after) owe(job, decision.due, RunState::skipped, now);
            return;
        }
        if (plan.kind == OverlapPlan::Kind::start) return begin(job, decision, now);
        own.waiting.push_back({decision, number_++});
        begin_waiting(job, now);
    }

    /// The next end, at `now`.
    void end(Instant now) {
        const auto over = ends_.top();
        ends_.pop();
        const auto& job = *over.job;
        if (std::erase(of_[place_of(job)].running, over.run) == 0) return; // it was cancelled
        ended(job, over.run.due, job.targets->nodes.empty() ? state_of_none(job.policy->on_empty) : RunState::ok, now);
        begin_waiting(job, now);
    }

    /// Whether something may follow what has ended.
    bool owes() const { return !owing_.empty(); }
    /// One job that may follow what has ended does, or is passed over, and may be followed in turn.
    void follow(Instant now) {
        const auto place = *owing_.begin();
        owing_.erase(owing_.begin());
        const auto& job = simulation_.catalog->jobs[place];
        auto plan = decide_after(job, of_[place].upstreams, now, pauses_.of(job.name));
        if (plan.kind == AfterPlan::Kind::nothing) return;
        of_[place].upstreams.clear();
        if (plan.kind == AfterPlan::Kind::fire) return fire(job, {Decision::Kind::fire, now, Reason::after, {}, {}}, now);
        if (plan.kind != AfterPlan::Kind::unmet) visitor_.decided(job, {Decision::Kind::skip, now, Reason::after, std::move(plan.why), {}}, now);
        owe(job, now, RunState::skipped, now);
    }

private:
    struct Running {
        std::uint64_t number; ///< in the order of their beginnings
        Instant due;
        bool operator==(const Running& other) const { return number == other.number; }
    };
    struct Waiting {
        Decision decision;
        std::uint64_t number;
    };
    struct OfJob {
        std::vector<Running> running;
        std::vector<Waiting> waiting; ///< oldest first
        std::vector<std::size_t> followers; ///< places
        std::vector<Upstream> upstreams;    ///< what it is to follow
    };
    struct End {
        Instant at;
        Running run; ///< those that end together end as they began
        const Job* job;
        bool operator<(const End& other) const { return at != other.at ? other.at < at : other.run.number < run.number; }
    };

    std::size_t place_of(const Job& job) const { return static_cast<std::size_t>(&job - simulation_.catalog->jobs.data()); }

    static std::vector<InFlight> in_flight(const OfJob& own) {
        std::vector<InFlight> list;
        for (const auto& run : own.running) list.push_back({std::to_string(run.number), RunState::running});
        for (const auto& waiting : own.waiting) list.push_back({std::to_string(waiting.number), RunState::waiting});
        return list;
    }
    void begin(const Job& job, const Decision& decision, Instant now) {
        const auto place = place_of(job);
        const Running run{number_++, decision.due};
        of_[place].running.push_back(run);
        ends_.push({now + simulation_.lengths[place], run, &job});
        visitor_.decided(job, decision, now);
        visitor_.began(job, now);
    }
    void ended(const Job& job, Instant due, RunState state, Instant now) {
        visitor_.ended(job, now);
        owe(job, due, state, now);
    }
    /// The job's newest end is to be followed.
    void owe(const Job& job, Instant due, RunState state, Instant now) {
        for (const auto place : of_[place_of(job)].followers) {
            auto& upstreams = of_[place].upstreams;
            std::erase_if(upstreams, [&](const Upstream& one) { return one.job == job.name; });
            upstreams.push_back({simulation_.catalog->jobs[place].name, "of " + to_rfc3339(due), job.name, state, now});
            owing_.insert(place);
        }
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
    const PauseTable pauses_;
    std::vector<OfJob> of_; ///< by the job's place
    std::unordered_map<std::string_view, std::size_t> places_;
    std::priority_queue<End> ends_;
    std::set<std::size_t> owing_; ///< places of jobs that have something new to follow, in the order of their names
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

/// What a ledger would know of the jobs' schedules: they are not new, but were seen only now.
std::map<std::string, Planner::Known> known_at(const Simulation& simulation, Instant begin) {
    std::map<std::string, Planner::Known> known;
    for (std::size_t i = 0; i < simulation.catalog->jobs.size(); ++i) {
        const auto& job = simulation.catalog->jobs[i];
        if (!job.schedule || simulation.spent_by(i) == 0) continue;
        Facts facts;
        facts.since = begin;
        facts.started = simulation.spent_by(i);
        known[job.name] = {identity(*job.schedule), std::move(facts)};
    }
    return known;
}

} // namespace

void simulate(const Simulation& simulation, SimulationVisitor& visitor) {
    Runs runs(simulation, visitor);
    Clocks clocks(*simulation.catalog, simulation.from, simulation.to);
    Planner planner([&](const std::string& job) { return runs.in_flight(job); }, "");
    const auto begin = simulation.from - Milliseconds(1);
    planner.set_pauses(PauseTable(simulation.pauses), begin);
    // Everything is new at the beginning, so nothing is made up; what an activation fires at once is a boot's.
    planner.activate(simulation.catalog, known_at(simulation, begin), begin);
    const auto before = [](std::optional<Instant> a, std::optional<Instant> b) { return a && (!b || *a <= *b); };
    for (auto now = begin;;) {
        const auto end = runs.next_end(), change = clocks.next(), wake = planner.next_wake();
        if (runs.owes() && end != now) {
            runs.follow(now);
        } else if (before(end, change) && before(end, wake)) {
            if (*end >= simulation.to) return;
            runs.end(now = *end);
        } else if (before(change, wake)) {
            clocks.tell(visitor);
        } else if (wake && *wake < simulation.to) {
            now = *wake;
            for (const auto& [job, decision] : planner.due(now)) {
                if (decision.kind == Decision::Kind::fire) runs.fire(*job, decision, now);
                else visitor.decided(*job, decision, now);
            }
        } else {
            return;
        }
    }
}

} // namespace loom
