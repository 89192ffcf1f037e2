#pragma once
#include "core/run/dispatcher.hpp"

namespace loom {

/// A run that a process left behind as it died: what is known of it.
struct LostRun {
    Run run;                         ///< with its spec
    std::vector<NodeResult> results; ///< as they stand: nodes in flight are `running`
    std::size_t reruns = 0;          ///< how many runs before it, each lost like this one, it takes the place of
};

/// The firing that takes the place of a lost run, on the nodes that it leaves `interrupted` or `not_started` and that are
/// nodes still. Nothing where its job does not say `on_lost: rerun`, where no node is left, and where it was run again
/// too often already: a job that brings Loom down must not do so for ever. Pure.
std::optional<Firing> rerun_of(CatalogPtr catalog, const LostRun& lost);

/// Ends the runs that a crash left behind, and returns how many. Those that are to run again begin by the dispatcher, each
/// in the commit that ends the lost one. Without a dispatcher, in the process of a command, they are left to the daemon.
awaitable<Result<std::size_t>> settle_orphans(Journal& journal, const Clock& clock, CatalogPtr catalog, Dispatcher* dispatcher);

} // namespace loom
