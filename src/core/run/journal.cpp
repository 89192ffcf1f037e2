#include "core/run/journal.hpp"

#include "core/async/bell.hpp"
#include "core/async/deadline.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/schedule/retry.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>

namespace loom {
namespace {

/// Bounds one transaction's time and memory.
constexpr std::size_t batch_records = 1024;

/// After a commit of more than one record. A fan-out to a thousand nodes made 0.4 syncs a node without it, and the ledger's
/// thread took a twelfth of its CPU, now a twentieth; who waits for a single node does not meet it.
constexpr std::chrono::milliseconds rest_time{5};

/// How often the store is tried again once the work was told to end: somebody waits for that.
constexpr int late_tries = 5;

struct Waiting {
    Waiting(const Executor& where, Record given) : record(std::move(given)), executor(where), bell(where) {}
    Record record;
    Executor executor;
    Bell bell;
    Result<Verdict> result = Verdict::recorded;
};
using Batch = std::vector<std::shared_ptr<Waiting>>;

/// Wakes each thread once for all of its records: one by one they cost three times as many switches between threads, and a
/// quarter more CPU a result.
void answer(Batch& batch) {
    for (auto first = batch.begin(); first != batch.end();) {
        const auto executor = (*first)->executor;
        const auto last = std::partition(first, batch.end(), [&](const auto& entry) { return entry->executor == executor; });
        asio::post(executor, [mine = Batch(first, last)] {
            for (const auto& entry : mine) entry->bell.ring_here();
        });
        first = last;
    }
}

bool changes_run(const Record& record) {
    return std::holds_alternative<RunCreated>(record) || std::holds_alternative<RunBegan>(record) ||
           std::holds_alternative<RunFinished>(record) || std::holds_alternative<RunNoted>(record);
}

/// Returns why nothing of it was committed.
std::optional<Error> commit(RunStore& store, Batch& batch, JournalMeasures& measures, bool& changed) {
    std::vector<Record> records;
    records.reserve(batch.size());
    for (const auto& entry : batch) {
        changed = changed || changes_run(entry->record);
        records.push_back(std::move(entry->record));
    }
    failpoint("journal.taken");
    const auto began = std::chrono::steady_clock::now();
    const auto verdicts = store.commit(records);
    measures.commit_took.observe_seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    ++(verdicts ? measures.commits : measures.failures);
    if (verdicts) measures.records += batch.size();
    failpoint("journal.answered");
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (verdicts) batch[i]->result = (*verdicts)[i];
        else batch[i]->result = verdicts.error();
    }
    answer(batch);
    if (verdicts) return std::nullopt;
    return verdicts.error();
}

} // namespace

struct Journal::Queue : std::enable_shared_from_this<Queue> {
    Queue(RunStore& ledger, const Executor& executor) : store(ledger), rest(executor) {}

    bool add(std::shared_ptr<Waiting> entry) {
        const std::lock_guard lock(mutex);
        waiting.push_back(std::move(entry));
        return !std::exchange(committing, true);
    }

    /// What goes into the next commit. Empty: whoever adds the next record begins anew.
    Batch take() {
        const std::lock_guard lock(mutex);
        const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(std::min(waiting.size(), batch_records));
        Batch batch(waiting.begin(), end);
        waiting.erase(waiting.begin(), end);
        committing = !batch.empty();
        return batch;
    }

    void commit_waiting() {
        for (auto batch = take(); !batch.empty(); batch = take()) {
            bool changed = false;
            const auto failure = commit(store, batch, measures, changed);
            note(failure);
            if (changed && !failure && when_changed) when_changed();
            if (batch.size() == 1) continue;
            rest.expires_after(rest_time);
            return rest.async_wait([self = shared_from_this()](error_code) { self->commit_waiting(); });
        }
    }

    /// In the log once when it begins and once when it ends.
    void note(const std::optional<Error>& failure) {
        if (failing.exchange(failure.has_value()) == failure.has_value()) return;
        if (failure)
            logs::store.error({}, "the ledger cannot be written, runs and schedules stand still until it can: {}", failure->message);
        else logs::store.warn({}, "the ledger is written again");
    }

    RunStore& store;
    std::function<void()> when_changed;
    JournalMeasures measures;
    asio::steady_timer rest;
    std::mutex mutex;
    std::deque<std::shared_ptr<Waiting>> waiting;
    bool committing = false; ///< or resting
    std::atomic<bool> failing{false};
};

Journal::Journal(RunStore& store, const Executor& store_executor)
    : store_(store), executor_(store_executor), queue_(std::make_shared<Queue>(store, store_executor)) {}

void Journal::when_changed(std::function<void()> call) { queue_->when_changed = std::move(call); }

bool Journal::failing() const { return queue_->failing; }

void Journal::measure(EngineMeasures& into) const {
    into.journal = &queue_->measures;
    const std::lock_guard lock(queue_->mutex);
    into.records_waiting = queue_->waiting.size();
}

awaitable<Result<Verdict>> Journal::record(Record record) {
    const auto executor = co_await asio::this_coro::executor;
    const auto mine = std::make_shared<Waiting>(executor, std::move(record));
    const bool first = queue_->add(mine);
    failpoint("journal.queued");
    if (first) asio::post(executor_, [queue = queue_] { queue->commit_waiting(); });
    // The store answers every record, with an error if need be; a blocked disk is the only thing that delays it.
    co_await mine->bell.wait();
    co_return mine->result;
}

awaitable<Result<Verdict>> Journal::insist(std::function<Record()> make, StopToken stop, std::function<void(const Error&)> refused) {
    const StopToken never;
    for (int tries = 1, late = 0;; ++tries) {
        auto made = make();
        auto verdict = co_await record(std::move(made));
        if (!verdict && tries == 1) refused(verdict.error());
        const bool ending = stop.requested();
        if (verdict || (ending && ++late > late_tries)) co_return verdict;
        auto until = stop;
        if (ending) until = never;
        const auto wait = ledger_pause(ending ? 1 : tries);
        const bool waited = co_await pause_for(wait, until);
        (void)waited;
    }
}

} // namespace loom
