#pragma once
#include "core/schedule/decide.hpp"
#include "core/model/catalog.hpp"
#include "core/time/clock_change.hpp"

#include <vector>

namespace loom {

/// A time to look at, and how long each job's runs are taken to last.
struct Simulation {
    CatalogPtr catalog;
    Instant from{}, to{};              ///< what is due in [from, to)
    std::vector<Milliseconds> lengths; ///< of a run of each job, by its place in the catalog
    std::vector<Pause> pauses{};       ///< that have begun by `from`
    std::vector<std::uint32_t> spent{}; ///< of each job's `count`, by its place; empty: nothing

    std::uint32_t spent_by(std::size_t place) const { return place < spent.size() ? spent[place] : 0; }
};

/// Hears what a simulation sees, in the order of time.
class SimulationVisitor {
public:
    virtual ~SimulationVisitor() = default;
    /// What becomes of one due instant, at the time `at` at which it is settled: the splay later, after a blackout that
    /// holds it, or when the run that it waits for has ended.
    virtual void decided(const Job& job, const Decision& decision, Instant at) = 0;
    /// A run that was decided begins and ends; all ends of an instant come before its decisions.
    virtual void began(const Job& job, Instant at) = 0;
    virtual void ended(const Job& job, Instant at) = 0;
    /// The clocks come to local times at which the job is due, and which do not exist, or exist twice.
    virtual void clocks_changed(const Job& job, const ClockChange& change) = 0;
};

/// Lets the daemon's own planner decide over a time that nobody waits for. It begins with nothing missed, nothing in
/// flight, nothing to be followed and no boot, so @reboot never comes. Every run is taken to end well (one without a target as
/// its job says), so what follows failures does not start, which is not told. Keeps no more than the runs in flight; what it
/// saw is the visitor's. Pure.
void simulate(const Simulation& simulation, SimulationVisitor& visitor);

} // namespace loom
