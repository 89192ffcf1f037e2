#include "core/config/plugin_fields.hpp"

#include <filesystem>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr long processes_most = 10'000;
constexpr std::uint64_t memory_least = 32u << 20; ///< below this no interpreter begins
constexpr std::size_t plugins_most = 100;

struct PluginDraft {
    PluginSettings plugin;
    std::string home;
};

template <std::vector<std::string> PluginSettings::*Member>
void read_paths(const YamlNode& node, PluginDraft& draft, Faults& faults) {
    std::vector<std::string> paths;
    if (node.kind == YamlNode::Kind::null || !read_texts(node, paths, faults)) return;
    for (auto& path : paths) {
        if (path.empty()) faults.push_back({node.mark, "expected a path, not an empty text"});
        path = resolve_path(path, node.mark, draft.home);
    }
    draft.plugin.*Member = std::move(paths);
}

/// A bare word is looked for in the folders of programs, anything else is a path as everywhere in this file.
std::string program(const std::string& word, const YamlNode& node, const PluginDraft& draft) {
    return word.find('/') == std::string::npos ? word : resolve_path(word, node.mark, draft.home);
}

void read_interpreter(const YamlNode& node, PluginDraft& draft, Faults& faults) {
    std::string word;
    if (node.kind == YamlNode::Kind::null || !read_text(node, word, faults)) return;
    if (word.empty()) faults.push_back({node.mark, "expected the name of an interpreter, as python3.11, or its path"});
    draft.plugin.interpreter = program(word, node, draft);
}

void read_virtualenv(const YamlNode& node, PluginDraft& draft, Faults& faults) {
    std::string path;
    if (node.kind != YamlNode::Kind::null && read_text(node, path, faults))
        draft.plugin.virtualenv = resolve_path(path, node.mark, draft.home);
}

void read_command(const YamlNode& node, PluginDraft& draft, Faults& faults) {
    std::vector<std::string> words;
    if (node.kind != YamlNode::Kind::sequence || node.items.empty()) {
        faults.push_back({node.mark, "expected [PROGRAM, ARGUMENT…], not " + describe(node)});
        return;
    }
    if (!read_texts(node, words, faults)) return;
    words[0] = program(words[0], node, draft);
    draft.plugin.command = std::move(words);
}

void read_env(const YamlNode& node, PluginDraft& draft, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        const std::string name(key->text);
        if (name.empty() || name.find('=') != std::string::npos)
            faults.push_back({key->mark, fmt::format("\"{}\" cannot name a variable", name)});
        if (name == "PYTHONPATH") faults.push_back({key->mark, "PYTHONPATH is made of \"paths\": give the folder there"});
        std::string text;
        if (read_text(*value, text, faults)) draft.plugin.env[name] = std::move(text);
    }
}

constexpr Choice<Isolation> isolation_choices[] = {{"sandbox", Isolation::sandbox}, {"none", Isolation::none}};

template <std::uint64_t PluginLimits::*Member>
void read_size(const YamlNode& node, PluginLimits& limits, Faults& faults) {
    read_bytes(node, limits.*Member, faults);
}

constexpr Field<PluginLimits> limit_fields[] = {
    {"memory",
     [](const YamlNode& node, PluginLimits& limits, Faults& faults) {
         if (read_bytes(node, limits.memory_bytes, faults) && limits.memory_bytes != 0 && limits.memory_bytes < memory_least)
             faults.push_back({node.mark, fmt::format("less than {} MiB: no interpreter begins with that", memory_least >> 20)});
     }},
    {"file_size", read_size<&PluginLimits::file_bytes>},
    {"temp", read_size<&PluginLimits::temp_bytes>},
    {"cpu", [](const YamlNode& node, PluginLimits& limits, Faults& faults) { read_duration(node, limits.cpu, faults); }},
    {"processes",
     [](const YamlNode& node, PluginLimits& limits, Faults& faults) {
         long number = 0;
         if (node.kind == YamlNode::Kind::scalar && node.text == "off") limits.processes = 0;
         else if (read_integer(node, 1, processes_most, number, faults)) limits.processes = static_cast<std::uint64_t>(number);
     }},
};

constexpr Field<PluginDraft> plugin_fields[] = {
    {"paths", read_paths<&PluginSettings::paths>},
    {"read", read_paths<&PluginSettings::read>},
    {"interpreter", read_interpreter},
    {"virtualenv", read_virtualenv},
    {"command", read_command},
    {"tasks", [](const YamlNode& node, PluginDraft& draft, Faults& faults) { read_texts(node, draft.plugin.tasks, faults); }},
    {"env", read_env},
    {"network", [](const YamlNode& node, PluginDraft& draft, Faults& faults) { read_flag(node, draft.plugin.network, faults); }},
    {"isolation",
     [](const YamlNode& node, PluginDraft& draft, Faults& faults) {
         read_choice<Isolation>(node, isolation_choices, draft.plugin.isolation, faults);
     }},
    {"limits", [](const YamlNode& node, PluginDraft& draft,
                  Faults& faults) { read_map<PluginLimits>(node, limit_fields, draft.plugin.limits, faults); }},
};

/// What the keys mean together.
void check_plugin(const PluginSettings& plugin, const Mark& mark, Faults& faults) {
    if (plugin.command.empty()) {
        if (plugin.paths.empty() && plugin.virtualenv.empty())
            faults.push_back({mark, plugin.name + ": missing key \"paths\": the folders of its modules (or \"command\")"});
        return;
    }
    if (!plugin.interpreter.empty() || !plugin.virtualenv.empty())
        faults.push_back({mark, plugin.name + ": \"interpreter\" and \"virtualenv\" are Python's: with \"command\" they mean nothing"});
}

} // namespace

void read_plugins(const YamlNode& node, const std::string& home, Plugins& plugins, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        PluginDraft draft;
        draft.home = home;
        draft.plugin.name = key->text;
        draft.plugin.place = to_string(key->mark);
        if (!plain_name(key->text))
            faults.push_back({key->mark, fmt::format("\"{}\" cannot name a plugin: use letters, digits, '.', '_' and '-'", key->text)});
        const auto before = faults.size();
        read_map<PluginDraft>(*value, plugin_fields, draft, faults);
        name_faults(faults, before, key->text);
        if (faults.size() == before) check_plugin(draft.plugin, key->mark, faults);
        plugins.emplace_back(std::move(draft.plugin));
        if (plugins.size() > plugins_most) {
            faults.push_back({key->mark, fmt::format("more than {} plugins", plugins_most)});
            return;
        }
    }
}

Plugins standard_plugins(const std::string& settings_path, std::initializer_list<std::string_view> others) {
    if (settings_path.empty()) return {};
    PluginSettings plugin;
    plugin.name = "plugins";
    plugin.paths = {(std::filesystem::path(settings_path).parent_path() / "plugins").string()};
    for (const auto other : others)
        if ((std::string(other) + '/').starts_with(plugin.paths[0] + '/')) return {};
    return {Plugin(std::move(plugin))};
}

} // namespace loom
