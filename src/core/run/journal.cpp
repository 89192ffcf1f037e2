#include "core/run/journal.hpp"

#include <algorithm>

namespace loom {
namespace {

/// Bounds one transaction's time and memory.
constexpr std::size_t batch_records = 1024;

} // namespace

awaitable<Result<Verdict>> Journal::record(Record record) {
    const auto executor = co_await asio::this_coro::executor;
    const auto mine = std::make_shared<Waiting>(executor, std::move(record));
    bool idle = false;
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(mine);
        idle = !std::exchange(committing_, true);
    }
    if (idle) asio::post(executor_, [this] { commit_waiting(); });
    // The store answers every record, with an error if need be; a blocked disk is the only thing that delays it.
    co_await mine->bell.wait();
    co_return mine->result;
}

void Journal::commit_waiting() {
    for (;;) {
        std::vector<std::shared_ptr<Waiting>> batch;
        {
            const std::lock_guard lock(mutex_);
            const auto size = std::min(waiting_.size(), batch_records);
            batch.assign(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(size));
            waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(size));
            if (batch.empty()) {
                committing_ = false;
                return;
            }
        }
        std::vector<Record> records;
        records.reserve(batch.size());
        for (const auto& entry : batch) records.push_back(std::move(entry->record));
        const auto verdicts = store_.commit(records);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (verdicts) batch[i]->result = (*verdicts)[i];
            else batch[i]->result = verdicts.error();
            batch[i]->bell.ring();
        }
    }
}

} // namespace loom
