#pragma once
#include "core/model/catalog.hpp"
#include "core/model/run.hpp"

#include <span>

namespace loom {

/// A run of the ledger, as retention looks at it.
struct PastRun {
    std::int64_t key = 0; ///< the ledger's own
    std::string id;
    RunState state = RunState::ok;
    std::optional<Instant> due;
    Instant started{};
    std::optional<Instant> finished; ///< none: it has not ended
    std::uint64_t bytes = 0;         ///< of output that no newer run of the list has too
    bool needed = false; ///< whatever the limits say, as where another job is still to follow it
};

/// Marks what no limit takes away of one job's runs, newest first: what has not ended; the newest run, the newest that
/// was started and the newest of those that has ended, from which the next decision follows; and the greatest instant,
/// since whatever lies behind that could run once more.
void mark_needed(std::span<PastRun> newest_first);

/// Which of these runs, newest first, are beyond the limits. Runs, and rows that say that something did not run, count
/// apart: a job that skips each second loses no run by it. Pure.
std::vector<bool> beyond(std::span<const PastRun> newest_first, const Retention& limits, Instant now);

/// The limits of one job's runs (of exec, where `job` is empty); `bytes` is its own share only.
Retention retention_of(const Catalog& catalog, const std::string& job);

} // namespace loom
