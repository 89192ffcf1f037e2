#pragma once
#include "core/async/scope.hpp"
#include "core/run/dispatcher.hpp"
#include "core/schedule/planner.hpp"
#include "core/schedule/returning.hpp"

namespace loom {

/// Nodes that a scheduled run could not reach, of jobs that say `catchup: {nodes: true}`: looks for them, and has the job run on
/// each that is back, once for each instant. What is owed is in the ledger alone, so a restart forgets nothing.
/// Lives on the scheduler's strand.
class Returning {
public:
    Returning(const EngineParts& parts, Journal& journal, Dispatcher& dispatcher, const Executor& strand, Bell bell);

    /// A run of the job has ended: what it owes is to be looked up. Any thread.
    void ask(const std::string& job);
    /// The same for each job of the catalog, which is a new one.
    void ask_all(const Catalog& catalog);
    /// Starts what is owed to nodes that are back, and looks for others. Does not wait for either's end.
    awaitable<void> settle(CatalogPtr catalog, const PauseTable& pauses, StopToken stop);
    /// Nodes that are owed a run, answer, and refuse the login: they are looked for no more. Any thread.
    std::set<std::string> refusing() const;
    /// Returns when it looks for no node any more.
    awaitable<void> join();

private:
    struct Owed {
        std::string run; ///< that could not reach the node
        Instant due{};
    };
    struct Absent {
        std::map<std::string, Owed> jobs;
        Instant next{}; ///< when to look for it
        int looks = 0;
        bool looking = false, back = false;
    };
    struct Start {
        std::string node, job;
        Owed owed;
    };
    /// What became of a look.
    struct Looked {
        std::string node;
        bool back = false;
        bool hopeless = false; ///< a person has to act first
    };
    awaitable<bool> look_up(CatalogPtr catalog, std::string job);
    void take_over(const Job& job, LeftOut left_out, Instant now);
    void forget(const std::string& job);
    void drop(const std::string& node, const std::string& job);
    void take_looks();
    std::vector<Start> ready(const Catalog& catalog, const PauseTable& pauses, Instant now);
    awaitable<void> make_up(CatalogPtr catalog, std::vector<Start> starts, std::set<std::string> looked_up);
    awaitable<bool> fire(CatalogPtr catalog, std::string node, std::string job, Owed owed);
    void look_for(const Catalog& catalog, Instant now, StopToken stop);
    awaitable<void> look(Node node, Timeouts timeout, StopToken stop);

    const EngineParts& parts_;
    Journal& journal_;
    Dispatcher& dispatcher_;
    std::map<std::string, Absent> absent_;
    Scope looks_;
    Bell bell_;
    mutable std::mutex mutex_;
    std::set<std::string> asked_;  ///< jobs; guarded by the mutex, as are the next two
    std::vector<Looked> looked_;
    std::set<std::string> refusing_;
};

} // namespace loom
