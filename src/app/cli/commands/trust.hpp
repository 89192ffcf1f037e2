#pragma once
#include "app/cli/context.hpp"

namespace loom {

struct TrustOptions {
    std::string node;
    bool yes = false;     ///< do not ask
    bool replace = false; ///< another key that Loom recorded goes
};

/// `loom nodes trust`: shows the key, asks, and records exactly the key that was shown.
Result<int> trust_node(CommandContext& context, Service& service, const TrustOptions& options);

} // namespace loom
