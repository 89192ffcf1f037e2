#pragma once
#include "app/cli/output/paint.hpp"
#include "core/run/views.hpp"

#include <string>
#include <vector>

namespace loom {

/// How gathered output is shown.
struct GatherStyle {
    std::size_t width = 0; ///< of the terminal; 0: none, and then a node's bytes are written as they are
    Paint paint{false};
};

/// One block as `clush -b` prints it: the nodes that ended alike, folded and counted, then what they wrote.
std::string render_group(const OutputGroupView& group, const GatherStyle& style);

/// `failed: exit 2`, `unreachable: refused`: the state and why, in a few words.
std::string describe_end(const OutputGroupView& group);

/// `787 ok, 2 failed, 1 unreachable (1 refused) of 790 in 4.2s`.
std::string summarise(const RunView& run, const std::vector<OutputGroupView>& groups, Paint paint);

} // namespace loom
