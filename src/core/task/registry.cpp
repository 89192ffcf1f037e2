#include "core/task/registry.hpp"

#include "core/base/near.hpp"
#include "core/task/builtin/file_task.hpp"
#include "core/task/builtin/shell_task.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

void TaskRegistry::add(std::string name, Factory factory) { factories_[std::move(name)] = std::move(factory); }

void TaskRegistry::reserve(std::string name) { factories_.try_emplace(std::move(name)); }

std::vector<std::string> TaskRegistry::names() const {
    std::vector<std::string> all;
    for (const auto& [name, factory] : factories_) all.push_back(name);
    return all;
}

Result<std::unique_ptr<Task>> TaskRegistry::make(const TaskSpec& spec) const {
    const auto found = factories_.find(spec.name);
    if (found == factories_.end())
        return Error{Errc::not_found, fmt::format("unknown task \"{}\"{}", spec.name, did_you_mean(spec.name, names()))};
    if (!found->second)
        return Error{Errc::unavailable, fmt::format("task \"{}\" is not built into this version", spec.name)};
    return found->second(spec);
}

TaskRegistry standard_tasks() {
    TaskRegistry tasks;
    const auto shell = [](ShellPlace place) {
        return [place](const TaskSpec& spec) { return make_shell_task(place, spec); };
    };
    tasks.add("fabric.api.run", shell(ShellPlace::remote));
    tasks.add("fabric.api.sudo", shell(ShellPlace::sudo));
    tasks.add("fabric.api.local", shell(ShellPlace::local));
    tasks.add("fabric.api.put", make_put_task);
    tasks.add("fabric.api.get", make_get_task);
    // Named by the original's example manifests; listed as `unavailable` until they exist.
    tasks.reserve("loom.system.add_sshfs_mount");
    tasks.reserve("loom.system.remove_sshfs_mount");
    return tasks;
}

std::string describe_task(const TaskSpec& spec) {
    if (auto text = describe_file_task(spec); !text.empty()) return text;
    const boost::json::value* command = spec.args.empty() ? spec.kwargs.if_contains("command") : &spec.args[0];
    if (spec.name.starts_with("fabric.api.") && command && command->is_string()) {
        const std::string line(command->get_string());
        if (spec.name == "fabric.api.run") return spec.become ? "sudo: " + line : line;
        return spec.name.substr(11) + ": " + line;
    }
    return spec.name;
}

} // namespace loom
