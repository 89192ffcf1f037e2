#pragma once
#include "app/store/progress.hpp"
#include "app/store/sqlite.hpp"

#include <functional>

namespace loom {

/// The nodes of one run, as its rows of `progress` tell of them.
class NodeTally {
public:
    explicit NodeTally(std::size_t targets) : started_(targets), ended_(targets) {}

    void start(const std::vector<std::uint32_t>& places);
    /// False where the place is none, or has ended before.
    bool end(std::uint32_t place, NodeState state);
    void add(const Progress& progress);

    /// Their sum is the targets. `run_ended` says what the open ones are.
    Counts counts(bool run_ended) const;

private:
    std::vector<bool> started_, ended_;
    Counts counts_{}; ///< of those that have ended
};

/// What a node without a terminal result is: `running` or `queued`, and once its run has ended `interrupted` or
/// `not_started`.
NodeState open_state(bool run_ended, bool started);

/// The key of the run's row of that number: its rows stand side by side, and those of the newest run at the end.
constexpr std::int64_t progress_key(std::int64_t run, std::int64_t number) { return run << 24 | number; }
constexpr std::int64_t progress_number(std::int64_t key) { return key & ((1 << 24) - 1); }
/// Of one run: between progress_key(run, 0) and this.
constexpr std::int64_t last_progress_key(std::int64_t run) { return progress_key(run + 1, 0) - 1; }

/// The run's rows in the order of their commits, those alone that have `mark` in them where it is not empty.
void read_progress(Database& database, std::int64_t run, const std::function<void(Progress progress)>& take, const std::string& mark = {});

/// The bytes that stand for a row's soundness.
std::string progress_digest(std::string_view body, std::string_view texts);

/// The end of a run's rows, where more are written.
struct ProgressEnd {
    std::int64_t run = 0;
    std::int64_t number = 0;      ///< of the newest row
    std::uint64_t text_bytes = 0; ///< in all rows
    ProgressText row;             ///< the next one

    /// Begins another row where the next one holds as much as one may.
    void write_if_full(Database& database);
    void write(Database& database);
};

NodeTally tally_nodes(Database& database, std::int64_t run, std::size_t targets);

} // namespace loom
