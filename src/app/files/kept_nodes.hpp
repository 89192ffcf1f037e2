#pragma once
#include "core/base/error.hpp"
#include "core/model/inventory_source.hpp"
#include "core/model/node.hpp"

#include <optional>
#include <string>
#include <vector>

namespace loom {

/// The last good result of one inventory source: a nodes file in `state_dir/inventory`, named by what the source is, so
/// that another path or command never meets it. Mode 0600 and replaced as a whole. Blocks.
class KeptNodes {
public:
    KeptNodes(const std::string& state_dir, const InventorySource& source);

    struct Last {
        std::vector<Node> nodes;
        std::string at; ///< when the source gave them, RFC 3339
    };

    /// What was kept; nothing when there is none, or it cannot be read.
    std::optional<Last> last() const;
    /// Likewise, if it is younger than that.
    std::optional<std::vector<Node>> younger_than(Milliseconds age) const;
    /// Keeps the nodes. A state folder that this user may not write to is no error: it is another's to keep.
    Result<void> keep(const std::vector<Node>& nodes) const;

private:
    std::string folder_, path_;
};

} // namespace loom
