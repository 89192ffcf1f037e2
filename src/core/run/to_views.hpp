#pragma once
#include "core/model/catalog_diff.hpp"
#include "core/model/run.hpp"
#include "core/run/diff_views.hpp"
#include "core/run/run_store.hpp"
#include "core/task/remote.hpp"

namespace loom {

/// The model's values as the service shows them. Text that came from a node or a command line is made valid UTF-8 on
/// the way (core/base/utf8.hpp), because the views become JSON. No view carries a secret.
RunView to_view(const Run& run);
NodeResultView to_view(const NodeResult& result);
OutputGroupView to_view(const OutputGroup& group);
ProblemView to_view(const Problem& problem);
PauseView to_view(const Pause& pause);
NodeView to_view(const Node& node);
NodeSettingsView to_view(const Node& node, const std::vector<NodeSetting>& settings);
HostKeyView to_view(const Node& node, const HostKeyReport& report);
/// What is configured; who has it in force is the caller's to add.
CatalogView to_view(const Catalog& catalog);
/// Its names alone.
CatalogDiffView to_view(const CatalogDiff& diff);
/// The result with its outputs.
NodeOutputView to_output_view(const NodeResult& result);

} // namespace loom
