#pragma once
#include "core/model/plugin.hpp"
#include "core/task/task.hpp"

#include <functional>
#include <map>
#include <vector>

namespace loom {

/// Dotted name → task. Filled at start (`standard_tasks`), read-only afterwards: any thread.
class TaskRegistry {
public:
    /// Makes the task, or says what is wrong with its arguments (Errc::config). Called at load with the placeholders
    /// unexpanded, and for each node with them expanded.
    using Factory = std::function<Result<std::unique_ptr<Task>>(const TaskSpec&)>;

    void add(std::string name, Factory factory);

    /// A name that is not registered is a task of the plugin that serves it. Errc::not_found with a near name for an unknown
    /// task.
    Result<std::unique_ptr<Task>> make(const TaskSpec& spec, const Plugins& plugins = {}) const;
    /// The plugin whose workers run it; none for a task that is registered, or that nobody knows.
    Result<Plugin> plugin_of(const TaskSpec& spec, const Plugins& plugins) const;

private:
    std::vector<std::string> names() const;

    std::map<std::string, Factory, std::less<>> factories_;
};

/// The tasks of the standard library (core/task/library), and loom.script.
TaskRegistry standard_tasks();

/// What a person calls this work: its command text for the shell tasks, else the task's name.
std::string describe_task(const TaskSpec& spec);

} // namespace loom
