#pragma once
#include "core/task/task.hpp"

namespace loom {

/// A task that the workers of a plugin run.
Result<std::unique_ptr<Task>> make_plugin_task(Plugin plugin, const TaskSpec& spec);

} // namespace loom
