#pragma once
#include "core/model/catalog.hpp"
#include "core/schedule/agenda.hpp"
#include "core/schedule/history.hpp"
#include "core/schedule/successor.hpp"

#include <functional>
#include <map>

namespace loom {

/// What is to be done about one job now.
struct Planned {
    const Job* job = nullptr; ///< lives in the planner's catalog
    Decision decision;
};

/// The pauses of each job, with those of every job among them.
class PauseTable {
public:
    PauseTable() = default;
    explicit PauseTable(const std::vector<Pause>& pauses);
    Pauses of(const std::string& job) const;

private:
    Pauses general_;
    std::map<std::string, Pauses> by_job_;
};

/// The schedule of one catalog: yields what is due, in order, and when to look next. No clock, no waiting: the
/// scheduler drives it with the time, a simulation with any time. Not thread-safe.
class Planner {
public:
    /// A job whose schedule text is new from now on: its misses count from here. The caller records it.
    struct Activation {
        std::string job, text;
        Instant at{};
    };
    struct Plan {
        std::vector<Planned> planned;
        std::vector<Activation> activations;
    };

    /// `in_flight(job)`: whether a run of the job has not ended. `boot_id`: what @reboot fires once for. `starting`: the first
    /// catalog is that of the process's start; only there a job that is new may be due for the boot.
    Planner(std::function<bool(const std::string&)> in_flight, std::string boot_id, bool starting = true);

    /// What is known of a job from the ledger.
    struct Known {
        std::string text; ///< identity of its schedule
        Facts facts;
    };

    /// Takes over a catalog; yields catch-ups and misses since each job's last known instant. A job known to the
    /// former catalog keeps what this planner has seen since; one that comes back gets one row for what came meanwhile.
    Plan activate(CatalogPtr catalog, const std::map<std::string, Known>& known, Instant now);

    /// Takes what is due at `now`, and plans each job's next time. `now` may lie before the one of the last call.
    std::vector<Planned> due(Instant now);

    /// From now on these pauses count, and no others; yields the rows of those that are over. They stay across `activate`.
    std::vector<Planned> set_pauses(PauseTable pauses, Instant now);

    /// When something may be due; nothing while no job has a schedule.
    std::optional<Instant> next_wake() const { return agenda_.next_due(); }
    const CatalogPtr& catalog() const { return catalog_; }
    const PauseTable& pauses() const { return pauses_; }

private:
    struct Entry {
        const Job* job = nullptr;
        History history;
        std::optional<Instant> nominal; ///< what the agenda waits for: this plus the splay, or the end of what holds it
    };
    void take(Agenda::Entry number, Successor& successor, Instant now, std::vector<Planned>& planned);
    void take_boot(Agenda::Entry number, Instant now, std::vector<Planned>& planned);
    void settle(Agenda::Entry number, Instant now, std::vector<Planned>& planned);
    void pass_over(Agenda::Entry number, Instant now, std::vector<Planned>& planned);
    void hold(Agenda::Entry number, const Decision& held, std::optional<Instant> newer);
    void plan_next(Agenda::Entry number, Instant now);
    void set_back(Instant now, std::vector<Planned>& planned);

    std::function<bool(const std::string&)> in_flight_;
    std::string boot_id_;
    bool starting_;
    CatalogPtr catalog_;
    PauseTable pauses_;
    Agenda agenda_;
    std::vector<Entry> entries_;
    std::vector<Agenda::Due> taken_;
    std::optional<Instant> looked_; ///< the time of the last call
};

} // namespace loom
