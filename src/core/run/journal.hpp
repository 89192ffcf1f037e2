#pragma once
#include "core/async/bell.hpp"
#include "core/async/offload.hpp"
#include "core/run/run_store.hpp"

#include <deque>
#include <memory>
#include <mutex>

namespace loom {

/// The only writer of the ledger: a record is committed before anything that follows from it is done or told.
/// Group commit: whatever arrives while a commit is in flight goes into the next one, so an idle store answers at once
/// and a busy one pays a sync for each wave, not for each node. Any executor.
class Journal {
public:
    Journal(RunStore& store, Executor store_executor) : store_(store), executor_(std::move(store_executor)) {}

    /// Returns once the record is on disk, or with the reason why its batch is not.
    awaitable<Result<Verdict>> record(Record record);

    /// Asks the store, on its own thread: `ask(RunStore&)` returns a Result.
    template <class F>
    auto read(F ask) {
        auto work = [this, ask = std::move(ask)] { return ask(store_); };
        return offload(executor_, std::move(work));
    }

private:
    struct Waiting {
        Waiting(const Executor& executor, Record given) : record(std::move(given)), bell(executor) {}
        Record record;
        Bell bell;
        Result<Verdict> result = Verdict::recorded;
    };
    void commit_waiting();

    RunStore& store_;
    Executor executor_;
    std::mutex mutex_;
    std::deque<std::shared_ptr<Waiting>> waiting_;
    bool committing_ = false;
};

} // namespace loom
