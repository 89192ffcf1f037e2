#pragma once
#include "app/store/ledger_writer.hpp"
#include "core/schedule/retention.hpp"

#include <functional>
#include <memory>

namespace loom {

class Sweep;

/// What a ledger is to be cut down to.
struct PruneLimits {
    std::function<Retention(const std::string& job)> of_job;
    std::uint64_t bytes = 0; ///< of all output together; zero: no limit
    std::optional<std::string> only; ///< one job's runs
    bool thorough = true; ///< look for what a crash left behind even where no run goes
};

/// The limits that a catalog sets.
PruneLimits prune_limits(CatalogPtr catalog);

struct PruneReport {
    std::size_t looked = 0;          ///< runs that were looked at
    std::size_t runs = 0, nodes = 0; ///< that went, or would
    std::size_t files = 0;           ///< of large texts that nothing names any more
    std::uint64_t freed_bytes = 0;   ///< given back to the disk
    std::uint64_t free_bytes = 0;    ///< in the database, for what comes
};

/// Removes what is beyond the limits from a store that others write and read meanwhile, as one more process would: on a
/// connection of its own, in small transactions, each with a turn of the write lock. Rows go first, then the files that no
/// row names any more; a crash in between leaves what the next thorough pass removes. One pass at a time: a lock of its
/// own says so. Any thread, one at a time; every call blocks on the disk.
class Pruner {
public:
    /// Decides what goes. Errc::conflict while another process prunes or copies the store. Null: there is no store.
    static Result<std::unique_ptr<Pruner>> open(const std::string& state_dir, const PruneLimits& limits, Instant now);
    ~Pruner();

    /// Does a little; false when nothing is left. Between two steps others write.
    Result<bool> step();
    /// What was done; before the first step, which runs would go and with how many nodes.
    const PruneReport& report() const { return report_; }

private:
    struct Doomed {
        std::int64_t key = 0;
        std::size_t nodes = 0, text_bytes = 0;
    };
    Pruner(StorePaths paths, std::unique_ptr<Database> database, FileLock lock);
    void decide(const PruneLimits& limits, Instant now);
    std::vector<std::string> jobs(const PruneLimits& limits);
    std::vector<PastRun> runs_of(const std::string& job);
    void weigh(std::vector<PastRun>& newest_first);
    void doom(const PastRun& run);
    Result<void> remove_runs();

    StorePaths paths_;
    std::unique_ptr<Database> database_;
    FileLock lock_;
    std::vector<Doomed> doomed_;
    std::unique_ptr<Sweep> sweep_; ///< once the runs are gone
    PruneReport report_;
    bool thorough_ = false;
};

} // namespace loom
