#include "core/model/plugin.hpp"

#include "core/base/near.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::string_view own_roots[] = {"fabric", "invoke", "loom"};

std::string_view root_of(std::string_view task) { return task.substr(0, task.find('.')); }

/// `deploy` is the beginning of `deploy.web`, and not of `deployment.web`.
bool begins(std::string_view task, std::string_view prefix) {
    while (prefix.ends_with('*') || prefix.ends_with('.')) prefix.remove_suffix(1);
    return task.starts_with(prefix) && (task.size() == prefix.size() || task[prefix.size()] == '.' || prefix.empty());
}

bool serves(const PluginSettings& plugin, std::string_view task) {
    if (!plugin.tasks.empty())
        return std::ranges::any_of(plugin.tasks, [&](const auto& prefix) { return begins(task, prefix); });
    return std::ranges::binary_search(plugin.code.modules, root_of(task));
}

} // namespace

Result<Plugin> find_plugin(const Plugins& plugins, std::string_view named, std::string_view task) {
    if (!named.empty()) {
        std::vector<std::string> names;
        for (const auto& plugin : plugins) {
            if (plugin->name == named) return plugin;
            names.push_back(plugin->name);
        }
        return Error{Errc::config, fmt::format("plugin: there is no plugin \"{}\" in loom.yaml{}", named, did_you_mean(named, names))};
    }
    if (std::ranges::find(own_roots, root_of(task)) != std::end(own_roots)) return Plugin();
    for (const auto& plugin : plugins)
        if (serves(*plugin, task)) return plugin;
    return Plugin();
}

std::string no_plugin_words(const Plugins& plugins, std::string_view task) {
    std::vector<std::string> modules;
    for (const auto& plugin : plugins) modules.insert(modules.end(), plugin->code.modules.begin(), plugin->code.modules.end());
    const auto root = root_of(task);
    if (modules.empty() || std::ranges::find(own_roots, root) != std::end(own_roots)) return {};
    if (std::ranges::find(modules, root) != modules.end()) return {};
    return fmt::format(": no plugin has a module \"{}\"{}", root, did_you_mean(root, modules));
}

} // namespace loom
