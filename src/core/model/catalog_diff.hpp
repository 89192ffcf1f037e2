#pragma once
#include "core/model/catalog.hpp"

namespace loom {

/// What lies between two catalogs, by name. Where a line stands, and a secret that is read anew as it was, are no change.
struct CatalogDiff {
    struct Names {
        std::vector<std::string> added, removed, changed;
        bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
    };
    Names jobs, nodes; ///< each in the order of its catalog

    bool empty() const { return jobs.empty() && nodes.empty(); }
};

/// Pure. A job that is quarantined is none.
CatalogDiff diff_catalogs(const Catalog& before, const Catalog& after);

} // namespace loom
