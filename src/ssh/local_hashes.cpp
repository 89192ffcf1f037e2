#include "ssh/local_hashes.hpp"

#include "core/async/bell.hpp"
#include "core/base/limits.hpp"

#include <atomic>
#include <chrono>
#include <sys/stat.h>
#include <vector>

namespace loom {

/// The reading of one file; `waiting` and `wanted` are guarded by the owner's mutex.
struct LocalHashes::Work {
    explicit Work(const FileStamp& seen) : stamp(seen), shared(settled(seen)) {}
    const FileStamp stamp;
    const bool shared;
    std::vector<Bell> waiting;
    std::size_t wanted = 0;
    std::atomic<bool> given_up{false}; ///< nobody waits any more
    std::atomic<bool> done{false};
    Result<std::string> result = Error{}; ///< stays as it is once `done`
};

bool LocalHashes::settled(const FileStamp& stamp) {
    constexpr std::chrono::milliseconds tick{20}; // of 10 ms at most, and as much again
    const std::chrono::nanoseconds changed = std::chrono::seconds(stamp.change_seconds) + std::chrono::nanoseconds(stamp.change_nanoseconds);
    return std::chrono::system_clock::now().time_since_epoch() - changed > tick;
}

awaitable<Result<std::string>> LocalHashes::hash(LocalEntry file, StopToken stop) {
    const auto executor = co_await asio::this_coro::executor;
    Bell bell(executor);
    std::shared_ptr<Work> work;
    bool fresh = false;
    {
        const std::lock_guard lock(mutex_);
        const auto kept = kept_.find(file.path);
        if (kept != kept_.end() && kept->second.stamp == file.stamp) co_return kept->second.hash;
        const auto running = running_.find(file.path);
        if (running != running_.end() && running->second->stamp == file.stamp && !running->second->given_up) {
            work = running->second;
        } else {
            fresh = true;
            work = std::make_shared<Work>(file.stamp);
            if (work->shared) running_[file.path] = work;
        }
        work->waiting.push_back(bell);
        ++work->wanted;
    }
    if (fresh) asio::post(blocking_, [self = shared_from_this(), path = file.path, work] { self->carry_out(path, work); });
    auto ring = [bell](StopReason) { bell.ring(); };
    const auto registration = stop.on_stop(executor, std::move(ring));
    while (!work->done && !stop.requested()) co_await bell.wait();
    if (work->done) co_return work->result;
    const std::lock_guard lock(mutex_);
    if (--work->wanted == 0) work->given_up = true;
    co_return Error{Errc::failed, "given up"};
}

void LocalHashes::carry_out(const std::string& path, const std::shared_ptr<Work>& work) {
    work->result = hash_local(path, work->given_up);
    struct stat after {};
    const bool as_listed = ::stat(path.c_str(), &after) == 0 && FileStamp(after) == work->stamp;
    std::vector<Bell> waiting;
    {
        const std::lock_guard lock(mutex_);
        const auto running = running_.find(path);
        if (running != running_.end() && running->second == work) running_.erase(running);
        if (work->shared && as_listed && work->result) {
            if (kept_.size() >= limits::hashes_kept) kept_.clear();
            kept_[path] = Kept{work->stamp, *work->result};
        }
        work->done = true;
        waiting.swap(work->waiting);
    }
    for (const auto& waiter : waiting) waiter.ring();
}

} // namespace loom
