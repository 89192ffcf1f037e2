#pragma once
#include "core/task/library/parameter.hpp"
#include "core/task/registry.hpp"

#include <span>

namespace loom {

/// A task of the standard library. Most are a POSIX sh script, which finds its arguments in variables and says what it changes
/// by the words of `script_prelude` (library/script.hpp); the others make their own Task.
struct LibraryTask {
    TaskInfo info;
    std::string_view script = "";  ///< the body of a shell function; empty: `make` is there
    std::string_view helpers = ""; ///< shell functions that the body calls
    std::string_view content = ""; ///< the parameter that names a local file, whose text with its placeholders is in `$content`
    Result<void> (*rule)(const Arguments&) = nullptr; ///< what the parameters ask of each other
    Result<std::unique_ptr<Task>> (*make)(const TaskInfo& info, const TaskSpec& spec) = nullptr;
};

/// Every task that is built in, by name. What `loom tasks`, completion, docs/tasks.md and the validation at load say is this.
std::span<const LibraryTask> task_library();

/// The task of the row for these arguments. Errc::config says which one is wrong.
Result<std::unique_ptr<Task>> make_library_task(const LibraryTask& row, const TaskSpec& spec);

/// A rule: the parameter `url` is one of HTTP.
Result<void> url_rule(const Arguments& arguments);

// The groups, each in a file of its own.
std::vector<LibraryTask> fabric_tasks();
std::vector<LibraryTask> file_tasks();
std::vector<LibraryTask> system_tasks();
std::vector<LibraryTask> account_tasks();
std::vector<LibraryTask> mount_tasks();
std::vector<LibraryTask> package_tasks();
std::vector<LibraryTask> web_tasks();
std::vector<LibraryTask> checkout_tasks();
std::vector<LibraryTask> wait_tasks();

} // namespace loom
