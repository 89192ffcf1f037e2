#pragma once
#include "app/store/locks.hpp"
#include "app/store/outputs.hpp"
#include "app/store/progress_rows.hpp"
#include "core/run/run_store.hpp"

#include <map>
#include <unordered_map>

namespace loom {

/// Where the store keeps what, below the state folder.
struct StorePaths {
    explicit StorePaths(const std::string& state_dir)
        : folder(state_dir), database(state_dir + "/loom.db"), outputs(state_dir + "/outputs"),
          runs(state_dir + "/runs"), write_lock(state_dir + "/write.lock"), upkeep_lock(state_dir + "/upkeep.lock") {}
    std::string run_lock(const std::string& id) const { return runs + "/" + id + ".lock"; }

    std::string folder, database, outputs, runs, write_lock;
    std::string upkeep_lock; ///< held by who prunes, copies or checks: meanwhile no text goes that somebody reads
};

/// How long a copy or a check waits for the daemon's own pruning, which mostly takes a moment.
inline constexpr std::chrono::seconds upkeep_patience{2};

/// The writing half of the ledger: applies batches of records, one transaction and one turn of the write lock each.
/// Holds the locks of the runs that it has created and that still run. The database and the outputs outlive it.
class LedgerWriter {
public:
    LedgerWriter(StorePaths paths, Database& database, OutputFiles& outputs)
        : paths_(std::move(paths)), write_turns_(paths_.write_lock), database_(database), outputs_(outputs) {}

    Result<std::vector<Verdict>> commit(std::span<const Record> batch);

private:
    /// A run that records are about, as the database has it. What is known of its nodes is kept from batch to batch.
    struct OpenRun {
        std::int64_t key = 0;
        std::size_t targets = 0;
        bool open = false;
        std::uint64_t batch = 0; ///< the last one that has looked at the database
        NodeTally nodes{0};
        ProgressEnd progress;    ///< all of whose rows the tally has
    };
    /// The statements of a table that holds texts by their hash.
    struct SharedTexts {
        const char *find, *add;
    };
    Verdict apply(const RunCreated& record);
    Verdict apply(const RunBegan& record);
    Verdict apply(const NodesStarted& record);
    Verdict apply(const NodeFinished& record);
    Verdict apply(const RunFinished& record);
    Verdict apply(const RunNoted& record);
    Verdict apply(const ScheduleSeen& record);
    Verdict apply(const JobPaused& record);
    Verdict apply(const JobResumed& record);

    OpenRun& open_run(const std::string& id);
    void look_up(const std::string& id, OpenRun& run);
    /// The key of this text; equal text has one.
    std::int64_t frozen(const SharedTexts& table, const std::string& text);
    std::optional<StoredText> stored_output(OpenRun& run, std::string_view text);
    std::optional<StoredText> stored_file(const OpenRun& run, std::string_view text);
    bool asked_before(const RunCreated& record);
    void note_asked(const RunCreated& record);
    std::int64_t insert_run(const Run& run);
    void owe(std::int64_t run, const std::string& job, const std::vector<std::string>& followers);
    void settle(const std::string& follower, const std::vector<std::string>& runs);
    void take_lock(const std::string& id);
    void settle_locks(bool committed);

    StorePaths paths_;
    LockTurns write_turns_;
    Database& database_;
    OutputFiles& outputs_;
    std::map<std::string, FileLock> locks_; ///< by run
    std::unordered_map<std::string, OpenRun> open_runs_; ///< those of this batch, and those whose nodes are at work
    std::uint64_t batch_ = 0;
    // Of the present batch:
    std::map<std::string, FileLock> new_locks_;
    std::vector<std::string> ended_;
};

} // namespace loom
