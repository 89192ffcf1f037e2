#pragma once
#include "core/base/error.hpp"
#include "core/model/job.hpp"

#include <string>
#include <vector>

namespace loom {

/// The NAMEs of each `{{ params.NAME }}` in the task's args, kwargs, env and cwd, each once, sorted. Pure.
std::vector<std::string> params_of(const TaskSpec& task);

/// Whether a foreign value may stand where the task has one: in a shell line only quoted, in no line of the daemon's own shell, and in
/// no path on the daemon's own disk. Errc::config says which. Pure.
Result<void> check_params(const TaskSpec& task);

} // namespace loom
