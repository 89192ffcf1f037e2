#include "app/upkeep.hpp"

#include "app/store/prune.hpp"
#include "core/async/deadline.hpp"
#include "core/async/offload.hpp"
#include "core/base/bytes.hpp"
#include "core/base/counted.hpp"
#include "core/base/limits.hpp"
#include "core/base/log.hpp"

namespace loom {
namespace {

using Pruned = Result<PruneReport>;

/// One pass, in steps: between two of them the runs' own records have their turn.
awaitable<Pruned> prune(Executor blocking, std::string state_dir, PruneLimits wanted, Instant now, StopToken stop) {
    auto open = [state_dir, wanted, now] { return Pruner::open(state_dir, wanted, now); };
    auto opened = co_await offload(blocking, std::move(open));
    if (!opened) co_return opened.error();
    const std::shared_ptr<Pruner> pruner = std::move(*opened);
    if (!pruner) co_return PruneReport();
    Result<bool> more = true;
    while (more && *more && !stop.requested()) {
        auto step = [pruner] { return pruner->step(); };
        more = co_await offload(blocking, std::move(step));
        const bool rested = co_await pause_for(limits::prune_rest, stop);
        (void)rested;
    }
    const auto report = pruner->report();
    if (!more) co_return more.error();
    co_return report;
}

} // namespace

awaitable<void> keep_within_limits(Executor blocking, std::string state_dir, Engine& engine, StopToken stop) {
    for (bool thorough = true; !stop.requested(); thorough = false) {
        auto wanted = prune_limits(engine.current_catalog());
        wanted.thorough = thorough;
        const auto now = std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
        const auto pruned = co_await prune(blocking, state_dir, std::move(wanted), now, stop);
        if (!pruned) logs::store.warn({}, "the ledger could not be pruned: {}", pruned.error().message);
        else if (pruned->runs > 0)
            logs::store.info({}, "{} beyond retention removed, with {} and {}; {} given back, {} free in the database",
                             counted(pruned->runs, "run"), counted(pruned->nodes, "node"), counted(pruned->files, "file"),
                             size_words(pruned->freed_bytes), size_words(pruned->free_bytes));
        const bool waited = co_await pause_for(limits::prune_every, stop);
        (void)waited;
    }
}

} // namespace loom
