#pragma once
#include "app/metrics/families.hpp"
#include "app/notify/send.hpp"
#include "core/async/bell.hpp"
#include "core/async/scope.hpp"
#include "core/async/stop.hpp"
#include "core/run/engine.hpp"
#include "core/run/outbox.hpp"

#include <atomic>

namespace loom {

/// Tells what the catalog's rules want told: looks at changes of runs, puts what they come to into the outbox, and sends what waits there until
/// it was taken or its time is over. What it decides is decided once, whatever dies in between; what it sends may come twice, with the same id.
/// Lives on the strand that `run` runs on; the parts outlive it.
class Notifier {
public:
    struct Parts {
        Engine& engine;
        Outbox& outbox;
        NotifySender& sender;
        const Clock& clock;
        Executor blocking; ///< for the outbox
    };
    Notifier(Parts parts, const Executor& strand) : parts_(parts), bell_(strand), sends_(strand) {}

    awaitable<void> run(StopToken stop);
    /// Something has changed. Any thread.
    void look() const { bell_.ring(); }

    Tally::Counts tried() const { return tally_.counts(); }
    OutboxCounts counts() const { return {waiting_, dead_}; }

private:
    awaitable<bool> look_at_changes(CatalogPtr catalog);
    awaitable<Result<std::vector<OutboxEntry>>> entries_of(CatalogPtr catalog, RunChange change);
    awaitable<void> send_due(CatalogPtr catalog);
    awaitable<void> send_one(CatalogPtr catalog, OutboxEntry entry);
    awaitable<void> count_entries();
    awaitable<Milliseconds> rest(bool anything);
    void note(const Error& error);

    Parts parts_;
    Bell bell_;
    Scope sends_;
    Tally tally_;
    std::atomic<std::uint64_t> waiting_{0}, dead_{0};
    bool failing_ = false; ///< the outbox; said once
};

} // namespace loom
