#pragma once
#include "core/task/task.hpp"

namespace loom {

/// loom.script: a file of this host, run on the node with `args`. Its text is the spec's input, its path is in kwargs.
Result<std::unique_ptr<Task>> make_script_task(const TaskSpec& spec);

/// `script: backup.sh`; empty for another task.
std::string describe_script_task(const TaskSpec& spec);

} // namespace loom
