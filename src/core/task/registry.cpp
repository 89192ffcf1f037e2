#include "core/task/registry.hpp"

#include "core/base/near.hpp"
#include "core/task/builtin/file_task.hpp"
#include "core/task/builtin/plugin_task.hpp"
#include "core/task/builtin/script_task.hpp"
#include "core/task/library/library.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

void TaskRegistry::add(std::string name, Factory factory) { factories_[std::move(name)] = std::move(factory); }

std::vector<std::string> TaskRegistry::names() const {
    std::vector<std::string> all;
    for (const auto& [name, factory] : factories_) all.push_back(name);
    return all;
}

Result<std::unique_ptr<Task>> TaskRegistry::make(const TaskSpec& spec, const Plugins& plugins) const {
    auto plugin = plugin_of(spec, plugins);
    if (!plugin) return plugin.error();
    if (*plugin) return make_plugin_task(std::move(*plugin), spec);
    const auto found = factories_.find(spec.name);
    if (found == factories_.end()) {
        auto near = did_you_mean(spec.name, names());
        if (near.empty()) near = no_plugin_words(plugins, spec.name);
        return Error{Errc::not_found, fmt::format("unknown task \"{}\"{}", spec.name, near)};
    }
    return found->second(spec);
}

Result<Plugin> TaskRegistry::plugin_of(const TaskSpec& spec, const Plugins& plugins) const {
    if (spec.plugin.empty() && factories_.contains(spec.name)) return Plugin();
    return find_plugin(plugins, spec.plugin, spec.name);
}

TaskRegistry standard_tasks() {
    TaskRegistry tasks;
    for (const auto& row : task_library())
        tasks.add(std::string(row.info.name), [&row](const TaskSpec& spec) { return make_library_task(row, spec); });
    tasks.add("loom.script", make_script_task);
    return tasks;
}

std::string describe_task(const TaskSpec& spec) {
    if (auto text = describe_file_task(spec); !text.empty()) return text;
    if (auto text = describe_script_task(spec); !text.empty()) return text;
    const boost::json::value* command = spec.args.empty() ? spec.kwargs.if_contains("command") : &spec.args[0];
    if (spec.name.starts_with("fabric.api.") && command && command->is_string()) {
        const std::string line(command->get_string());
        if (spec.name == "fabric.api.run") return spec.become ? "sudo: " + line : line;
        return spec.name.substr(11) + ": " + line;
    }
    return spec.name;
}

} // namespace loom
