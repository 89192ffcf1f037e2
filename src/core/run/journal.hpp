#pragma once
#include "core/async/offload.hpp"
#include "core/async/stop.hpp"
#include "core/run/measures.hpp"
#include "core/run/run_store.hpp"

#include <functional>
#include <memory>

namespace loom {

/// The only writer of the ledger: a record is committed before anything that follows from it is done or told.
/// Group commit: whatever arrives while a commit is in flight goes into the next one, and after a commit of several
/// records the store rests a little; so an idle store answers at once, and a busy one pays a sync for each wave, not for
/// each node. A result whose run has other nodes at work waits as long for theirs. Any executor.
///
/// While the store cannot be written nothing is buffered here: each record's owner waits, so that as much waits as was in
/// flight, and the log says so once.
class Journal {
public:
    Journal(RunStore& store, const Executor& store_executor);

    /// Returns once the record is on disk, or with the reason why its batch is not.
    awaitable<Result<Verdict>> record(Record record);

    /// Records what `make` gives, tried again and again until the store takes it; `refused` hears why it does not at first.
    /// An error: `stop` was requested meanwhile, and the store had some last chances.
    awaitable<Result<Verdict>> insist(std::function<Record()> make, StopToken stop, std::function<void(const Error&)> refused);

    /// Called on the store's thread after each commit with a record that may change a run's state, even when the journal has gone
    /// meanwhile. Before the first record.
    void when_changed(std::function<void()> call);
    /// Whether the last commit failed. Any thread.
    bool failing() const;
    /// Adds what was counted, and what waits right now.
    void measure(EngineMeasures& into) const;

    /// Asks the store, on its own thread: `ask(RunStore&)` returns a Result.
    template <class F>
    auto read(F ask) {
        auto work = [this, ask = std::move(ask)] { return ask(store_); };
        return offload(executor_, std::move(work));
    }

private:
    struct Queue;

    RunStore& store_;
    Executor executor_;
    std::shared_ptr<Queue> queue_; ///< shared: the store's thread may still look into it when the last record was answered
};

} // namespace loom
