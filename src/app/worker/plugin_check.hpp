#pragma once
#include "app/cli/context.hpp"
#include "app/runtime.hpp"

namespace loom {

/// Lets workers look up the tasks of plugins that jobs name, each once, and says which are not there: no module is imported
/// outside of its sandbox. Blocks, for as long as the imports take.
std::vector<Problem> check_plugin_tasks(Runtime& runtime, const Catalog& catalog);

/// What holds the workers of each plugin that loom.yaml names, or that has modules, on this host; and what they speak. Blocks.
std::vector<Checkup> examine_plugins(Runtime& runtime, const Catalog& catalog);

} // namespace loom
