#pragma once
#include "core/model/catalog.hpp"
#include "core/schedule/agenda.hpp"
#include "core/schedule/decide.hpp"

#include <functional>
#include <map>

namespace loom {

/// What is to be done about one job now.
struct Planned {
    const Job* job = nullptr; ///< lives in the planner's catalog
    Decision decision;
};

/// The schedule of one catalog: yields what is due, in order, and when to look next. No clock, no waiting: the
/// scheduler drives it with the time, a simulation with any time. Not thread-safe.
class Planner {
public:
    /// A job whose schedule text is new from now on: its misses count from here. The caller records it.
    struct Activation {
        std::string job, text;
    };
    struct Plan {
        std::vector<Planned> planned;
        std::vector<Activation> activations;
    };

    /// `in_flight(job)`: whether a run of the job has not ended. `boot_id`: what @reboot fires once for.
    Planner(std::function<bool(const std::string&)> in_flight, std::string boot_id);

    /// What is known of a job from the ledger.
    struct Known {
        std::string text;
        Facts facts;
    };

    /// Takes over a catalog; yields catch-ups and misses since each job's last known instant. A job known to the
    /// former catalog keeps what this planner has seen since.
    Plan activate(CatalogPtr catalog, const std::map<std::string, Known>& known, Instant now);

    /// Takes what is due at `now`, and plans each job's next time.
    std::vector<Planned> due(Instant now);

    /// When something may be due; nothing while no job has a schedule.
    std::optional<Instant> next_wake() const { return agenda_.next_due(); }
    const CatalogPtr& catalog() const { return catalog_; }

private:
    struct Entry {
        const Job* job = nullptr;
        Facts facts;
        Instant nominal{}; ///< the agenda holds this plus the splay
    };
    void plan_next(Agenda::Entry number, Instant after);

    std::function<bool(const std::string&)> in_flight_;
    std::string boot_id_;
    CatalogPtr catalog_;
    Agenda agenda_;
    std::vector<Entry> entries_;
    std::vector<Agenda::Due> taken_;
};

} // namespace loom
