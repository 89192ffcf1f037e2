#pragma once
#include "core/config/catalog_builder.hpp"

namespace loom {

/// Adds the sources' nodes to those of the nodes file. Of a node that is in several places the nodes file says what it
/// says, then the sources in their order: each key once, groups together, labels and vars by their names. Two sources
/// that know a node by different addresses are warned of. `nodes` stays in natural order.
void merge_sources(std::vector<Node>& nodes, const std::vector<SourceNodes>& sources, std::vector<Problem>& problems);

} // namespace loom
