#include "core/run/journal.hpp"

#include "core/async/deadline.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/schedule/retry.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <unordered_map>

namespace loom {
namespace {

/// Bounds one transaction's time and memory.
constexpr std::size_t batch_records = 1024;

/// After a commit of more than one record, and before one of results alone whose run has other nodes at work. A fan-out to a thousand nodes made 0.4 syncs a node without it, and the ledger's
/// thread took a twelfth of its CPU, now a twentieth; who waits for a single node does not meet it.
constexpr std::chrono::milliseconds rest_time{5};

/// How often the store is tried again once the work was told to end: somebody waits for that.
constexpr int late_tries = 5;

/// A record, and the coroutine that waits for its verdict.
struct Waiting {
    Waiting(const Executor& where, Record given) : record(std::move(given)), executor(where) {}
    Waiting(const Waiting&) = delete;
    virtual ~Waiting() = default;
    virtual void resume() = 0; ///< on its executor

    Record record;
    Result<Verdict> result = Verdict::recorded;
    Executor executor;
};
template <class Handler>
struct WaitingFor final : Waiting {
    WaitingFor(const Executor& where, Record given, Handler then) : Waiting(where, std::move(given)), handler(std::move(then)) {}
    void resume() override { std::move(handler)(std::move(result)); }
    Handler handler;
};
using Batch = std::vector<std::unique_ptr<Waiting>>;

/// Wakes each thread once for all of its records: one by one they cost three times as many switches between threads, and a
/// quarter more CPU a result.
void answer(Batch& batch) {
    for (auto first = batch.begin(); first != batch.end();) {
        const auto executor = (*first)->executor;
        const auto last = std::partition(first, batch.end(), [&](const auto& entry) { return entry->executor == executor; });
        auto wake = [mine = Batch(std::move_iterator(first), std::move_iterator(last))] {
            for (const auto& entry : mine) entry->resume();
        };
        asio::post(executor, std::move(wake));
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
        // What a thread has allocated it frees itself: else the two contend for the allocator's locks.
        batch[i]->record = std::move(records[i]);
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

    void add(std::unique_ptr<Waiting> entry) {
        const std::lock_guard lock(mutex);
        count(entry->record);
        const bool now = urgent(entry->record);
        waiting.push_back(std::move(entry));
        if (phase == Phase::committing || (phase == Phase::gathering && !now)) return;
        phase = now ? Phase::committing : Phase::gathering;
        asio::post(rest.get_executor(), [self = shared_from_this(), now] { now ? self->commit_waiting() : self->gather(); });
    }

    void count(const Record& record) {
        if (const auto* started = std::get_if<NodesStarted>(&record)) at_work[started->run] += started->indices.size();
        if (const auto* ended = std::get_if<RunFinished>(&record)) at_work.erase(ended->run);
        const auto* finished = std::get_if<NodeFinished>(&record);
        if (!finished || !finished->result.started) return; // one that was skipped never began
        if (const auto found = at_work.find(finished->run); found != at_work.end() && found->second > 0) --found->second;
    }

    /// Whether somebody waits for the record: all but a result whose run has other nodes at work, the next of which may come along.
    bool urgent(const Record& record) const {
        const auto* finished = std::get_if<NodeFinished>(&record);
        if (!finished) return true;
        const auto found = at_work.find(finished->run);
        return found == at_work.end() || found->second == 0;
    }

    void gather() {
        rest.expires_after(rest_time);
        rest.async_wait([self = shared_from_this()](error_code) {
            {
                const std::lock_guard lock(self->mutex);
                if (self->phase != Phase::gathering) return; // an urgent record came
                self->phase = Phase::committing;
            }
            self->commit_waiting();
        });
    }

    /// What goes into the next commit. Empty: whoever adds the next record begins anew.
    Batch take() {
        const std::lock_guard lock(mutex);
        const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(std::min(waiting.size(), batch_records));
        Batch batch(std::move_iterator(waiting.begin()), std::move_iterator(end));
        waiting.erase(waiting.begin(), end);
        if (batch.empty()) phase = Phase::idle;
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
    std::deque<std::unique_ptr<Waiting>> waiting;
    enum class Phase { idle, gathering, committing }; ///< the last: or resting
    Phase phase = Phase::idle;
    std::unordered_map<std::string, std::size_t> at_work; ///< nodes that were started and have not ended, by run
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

/// No coroutine of its own, whose frame would be made for each record. The store answers every one, with an error if need be;
/// a blocked disk is the only thing that delays it.
awaitable<Result<Verdict>> Journal::record(Record record) {
    auto begin = [queue = queue_](auto handler, Record given) {
        using Entry = WaitingFor<decltype(handler)>;
        const Executor executor = asio::get_associated_executor(handler);
        queue->add(std::make_unique<Entry>(executor, std::move(given), std::move(handler)));
        failpoint("journal.queued");
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Verdict>)>(std::move(begin), asio::use_awaitable, std::move(record));
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
