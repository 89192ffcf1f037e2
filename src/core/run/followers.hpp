#pragma once
#include "core/run/dispatcher.hpp"
#include "core/schedule/after.hpp"

#include <atomic>

namespace loom {

/// Starts the jobs that follow others (`after`), from what the ledger has: that a run is to be followed is committed
/// together with its end, and that it was followed together with the row that follows it. Lives on one strand.
class Followers {
public:
    Followers(const EngineParts& parts, Journal& journal, Dispatcher& dispatcher);

    /// A run has ended that others follow: the next `settle` looks. Any thread.
    void ask() { asked_ = true; }
    /// Decides about each job that has something to follow; now and then without being asked too, since runs may end in
    /// another process.
    awaitable<void> settle(CatalogPtr catalog);

private:
    awaitable<void> follow(const Job& job, AfterPlan plan, CatalogPtr catalog);

    const EngineParts& parts_;
    Journal& journal_;
    Dispatcher& dispatcher_;
    std::atomic<bool> asked_{true};
    std::chrono::steady_clock::time_point looked_;
};

} // namespace loom
