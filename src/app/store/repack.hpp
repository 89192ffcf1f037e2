#pragma once
#include "app/store/sqlite.hpp"

namespace loom {

/// From schema 5 to 6: a row for each node, and its text in a segment that many share, become rows of `progress`. Within the
/// migration's transaction. A text that is gone, or is not
/// what its hash says, counts as dropped; one that cannot be read right now fails it.
void repack_nodes(Database& database, const std::string& outputs);

/// Removes the segments, once nothing names them.
void remove_segments(const std::string& outputs);

} // namespace loom
