#pragma once
#include "core/run/engine.hpp"

namespace loom {

// What is asked of a single node. The parts outlive the call. Errc::not_found with a near name for what is no node.

/// What is in force for the node, and which line of which file says so.
awaitable<Result<NodeSettingsView>> describe_node(const EngineParts& parts, CatalogPtr catalog, NodeName request);
/// Dials the node as far as its host key; records it where the request names its fingerprint.
awaitable<Result<HostKeyView>> trust_node(const EngineParts& parts, CatalogPtr catalog, Caller caller, TrustNode request);

} // namespace loom
