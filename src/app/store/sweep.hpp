#pragma once
#include "app/store/prune.hpp"

#include <deque>

namespace loom {

/// The second half of a prune: once runs are gone, removes what nothing names any more. Runs are looked through without
/// the write lock, since what has ended names nothing new; what had not ended when the look began, and what came after, is
/// looked at again under the lock, before anything goes. Paths, database and report outlive it.
class Sweep {
public:
    Sweep(const StorePaths& paths, Database& database, PruneReport& report)
        : paths_(paths), database_(database), report_(report), files_(paths.outputs) {}

    /// Does a little; false when nothing is left.
    Result<bool> step();

private:
    /// A table of texts that runs share: the newest run, the texts that none names, and how one of those goes.
    struct Shared {
        const char *newest, *unnamed, *remove;
    };
    struct Segment {
        std::int64_t number = 0;
        std::uint64_t bytes = 0, alive = 0;
    };
    // Each does some of its phase, and returns whether that is over.
    Result<bool> step_of_phase();
    Result<bool> begin();
    Result<bool> look();
    Result<bool> remove_outputs();
    Result<bool> remove_shared();
    Result<bool> list_segments();
    Result<bool> tidy_segment();
    Result<bool> remove_strays();
    static void name(std::vector<bool>& keys, std::optional<std::int64_t> key);
    std::vector<bool> named_lately();
    Result<bool> move_alive(std::int64_t number);

    const StorePaths& paths_;
    Database& database_;
    PruneReport& report_;
    OutputFiles files_;

    enum class Phase { begin, look, outputs, shared, segments, tidy, strays, over };
    Phase phase_ = Phase::begin;
    std::vector<std::int64_t> open_;  ///< runs that had not ended when the look began
    std::int64_t newest_run_ = 0, newest_output_ = 0;
    std::int64_t at_run_ = 0, at_place_ = -1; ///< how far the look has come
    std::vector<bool> named_;         ///< by key
    std::vector<std::int64_t> unnamed_;
    std::deque<Segment> segments_;
};

} // namespace loom
