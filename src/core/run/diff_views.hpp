#pragma once
#include "core/run/views.hpp"

namespace loom {

struct JobChangesView {
    std::vector<std::string> added, removed, changed;
};
BOOST_DESCRIBE_STRUCT(JobChangesView, (), (added, removed, changed))

/// Folded NodeSets; empty: none.
struct NodeChangesView {
    std::string added, removed, changed;
};
BOOST_DESCRIBE_STRUCT(NodeChangesView, (), (added, removed, changed))

/// What the last reload that brought another configuration has changed.
struct CatalogDiffView {
    std::optional<std::string> at; ///< null: none has, since the daemon began
    std::string by;                ///< who or what asked for it
    std::string before, digest;    ///< of the two configurations
    JobChangesView jobs;
    NodeChangesView nodes;
    std::string last_error; ///< why the newest text was not taken; empty when it was
};
BOOST_DESCRIBE_STRUCT(CatalogDiffView, (), (at, by, before, digest, jobs, nodes, last_error))

} // namespace loom
