#pragma once
#include "app/cli/output/paint.hpp"
#include "core/task/library/library.hpp"

namespace loom {

/// A task's description for programs: `name, summary, notes, check, parameters, example`.
boost::json::object task_json(const TaskInfo& task);

/// The same for a person, at a terminal of this width; 0: as wide as it needs.
std::string task_text(const TaskInfo& task, std::size_t width, Paint paint);

/// docs/tasks.md, whole.
std::string tasks_markdown(std::span<const LibraryTask> tasks);

} // namespace loom
