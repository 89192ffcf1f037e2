#pragma once
#include "app/store/prune.hpp"

namespace loom {

/// The second half of a prune: once runs are gone, removes what nothing names any more, and gives the database's free pages
/// back where they are many. Paths, database and report outlive it.
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
    // Each does some of its phase, and returns whether that is over.
    Result<bool> step_of_phase();
    Result<bool> remove_files();
    Result<bool> remove_shared();
    Result<bool> remove_strays();
    Result<bool> give_back_pages();
    std::int64_t number(const char* sql);

    const StorePaths& paths_;
    Database& database_;
    PruneReport& report_;
    OutputFiles files_;

    enum class Phase { files, shared, strays, pages, over };
    Phase phase_ = Phase::files;
};

} // namespace loom
