#include "core/config/settings.hpp"

#include "core/base/limits.hpp"
#include "core/config/calendar_fields.hpp"
#include "core/config/listen_fields.hpp"
#include "core/config/log_settings_fields.hpp"
#include "core/config/plugin_fields.hpp"
#include "core/config/retention_fields.hpp"

#include <filesystem>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

template <std::string Settings::*Member>
void read_path(const YamlNode& node, SettingsDraft& draft, Faults& faults) {
    std::string path;
    if (node.kind == YamlNode::Kind::null || !read_text(node, path, faults)) return;
    draft.settings.*Member = resolve_path(path, node.mark, draft.home);
}

constexpr long workers_most = 10'000;

template <int Settings::*Member, long least>
void read_workers(const YamlNode& node, SettingsDraft& draft, Faults& faults) {
    long number = 0;
    if (read_integer(node, least, workers_most, number, faults)) draft.settings.*Member = static_cast<int>(number);
}

void read_groups(const YamlNode& node, SettingsDraft& draft, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        if (!plain_name(key->text)) {
            faults.push_back(
                {key->mark,
                 fmt::format("\"{}\" cannot name a group: use letters, digits, '.', '_' and '-'", key->text)});
            continue;
        }
        std::vector<std::string> parts;
        if (!read_texts(*value, parts, faults)) continue;
        std::string expression;
        for (const auto& part : parts) expression += fmt::format("{}({})", expression.empty() ? "" : ",", part);
        const std::string name(key->text);
        draft.settings.groups[name] = parts.size() == 1 ? parts[0] : expression;
        draft.group_marks[name] = value->mark;
    }
}

using Source = InventorySource;

struct SourceDraft {
    Source source;
    bool has_type = false;
    std::string home;
};

constexpr Choice<Source::Type> source_types[] = {
    {"ansible", Source::Type::ansible}, {"ssh_config", Source::Type::ssh_config}, {"command", Source::Type::command}};

void read_source_command(const YamlNode& node, SourceDraft& draft, Faults& faults) {
    auto& words = draft.source.command;
    if (node.kind != YamlNode::Kind::sequence || node.items.empty()) {
        faults.push_back({node.mark, "expected [PROGRAM, ARGUMENT…], not " + describe(node)});
        return;
    }
    if (!read_texts(node, words, faults)) return;
    // A bare word is looked for in PATH, anything else is a path as everywhere in this file.
    if (words[0].find('/') != std::string::npos) words[0] = resolve_path(words[0], node.mark, draft.home);
}

constexpr Field<SourceDraft> source_fields[] = {
    {"type",
     [](const YamlNode& node, SourceDraft& draft, Faults& faults) {
         draft.has_type = read_choice<Source::Type>(node, source_types, draft.source.type, faults);
     }},
    {"path",
     [](const YamlNode& node, SourceDraft& draft, Faults& faults) {
         std::string path;
         if (read_text(node, path, faults)) draft.source.path = resolve_path(path, node.mark, draft.home);
     }},
    {"command", read_source_command},
    {"cache", [](const YamlNode& node, SourceDraft& draft,
                 Faults& faults) { read_duration(node, draft.source.cache, faults); }},
};

/// What the keys of a source mean together.
void check_source(const Source& source, const YamlNode& node, bool has_type, Faults& faults) {
    if (!has_type) {
        faults.push_back({node.mark, "missing key \"type\": ansible, ssh_config or command"});
    } else if (source.type == Source::Type::command) {
        if (source.command.empty()) faults.push_back({node.mark, "missing key \"command\""});
        if (!source.path.empty()) faults.push_back({node.mark, "\"path\" belongs to the other types of source"});
    } else {
        if (source.path.empty()) faults.push_back({node.mark, "missing key \"path\""});
        if (!source.command.empty()) faults.push_back({node.mark, "\"command\" belongs to type: command"});
        if (source.cache.count() != 0)
            faults.push_back({node.mark, "\"cache\" belongs to type: command: a file is read whenever it changes"});
    }
}

void read_inventory_sources(const YamlNode& node, SettingsDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) return;
    if (node.kind != YamlNode::Kind::sequence) {
        faults.push_back({node.mark, "expected a list of sources, [{type: ansible, path: hosts.ini}], not " + describe(node)});
        return;
    }
    for (const auto* item : node.items) {
        SourceDraft one;
        one.home = draft.home;
        const auto before = faults.size();
        read_map<SourceDraft>(*item, source_fields, one, faults);
        if (faults.size() != before) continue;
        check_source(one.source, *item, one.has_type, faults);
        one.source.place = to_string(item->mark);
        draft.settings.inventory.push_back(std::move(one.source));
    }
}

constexpr Choice<HostKeys> host_key_choices[] = {{"accept-new", HostKeys::accept_new}, {"strict", HostKeys::strict}};

constexpr Field<SettingsDraft> ssh_fields[] = {
    {"host_keys",
     [](const YamlNode& node, SettingsDraft& draft, Faults& faults) {
         read_choice<HostKeys>(node, host_key_choices, draft.settings.host_keys, faults);
     }},
    {"keep", [](const YamlNode& node, SettingsDraft& draft,
                Faults& faults) { read_duration(node, draft.settings.keep_sessions, faults); }},
    {"known_hosts",
     [](const YamlNode& node, SettingsDraft& draft, Faults& faults) {
         std::vector<std::string> paths;
         if (!read_texts(node, paths, faults)) return;
         for (auto& path : paths) path = resolve_path(path, node.mark, draft.home);
         draft.settings.known_hosts = std::move(paths);
     }},
    {"config",
     [](const YamlNode& node, SettingsDraft& draft, Faults& faults) {
         std::string path;
         if (!read_text(node, path, faults)) return;
         draft.settings.ssh_config = path == "none" ? path : resolve_path(path, node.mark, draft.home);
     }},
};

constexpr Field<Settings> shutdown_fields[] = {
    {"drain", [](const YamlNode& node, Settings& settings,
                 Faults& faults) { read_duration(node, settings.drain, faults); }},
};

constexpr Field<SettingsDraft> settings_fields[] = {
    {"nodesfile", read_path<&Settings::nodes_file>},
    {"inventory", read_inventory_sources},
    {"jobspath", read_path<&Settings::jobs_path>},
    {"datafile", read_path<&Settings::data_file>},
    {"min_workers", read_workers<&Settings::min_workers, 0>},
    {"max_workers", read_workers<&Settings::max_workers, 1>},
    {"state_dir", read_path<&Settings::state_dir>},
    {"starts_per_second",
     [](const YamlNode& node, SettingsDraft& draft, Faults& faults) {
         long number = 0;
         if (read_integer(node, 1, limits::starts_per_second_max, number, faults))
             draft.settings.starts_per_second = static_cast<std::size_t>(number);
     }},
    {"socket_group", [](const YamlNode& node, SettingsDraft& draft,
                        Faults& faults) { read_text(node, draft.settings.socket_group, faults); }},
    {"ssh", [](const YamlNode& node, SettingsDraft& draft,
               Faults& faults) { read_map<SettingsDraft>(node, ssh_fields, draft, faults); }},
    {"groups", read_groups},
    {"calendars", [](const YamlNode& node, SettingsDraft& draft,
                     Faults& faults) { read_calendars(node, draft.settings.calendars, faults); }},
    {"defaults",
     [](const YamlNode& node, SettingsDraft& draft, Faults& faults) { read_job_fields(node, draft.defaults, faults); }},
    {"listen", [](const YamlNode& node, SettingsDraft& draft,
                  Faults& faults) { read_listen(node, draft.home, draft.settings.http.listen, faults); }},
    {"http", [](const YamlNode& node, SettingsDraft& draft,
                Faults& faults) { read_http(node, draft.settings.http, faults); }},
    {"hooks", [](const YamlNode& node, SettingsDraft& draft,
                 Faults& faults) { read_hooks(node, draft.home, draft.hooks, faults); }},
    {"notify", [](const YamlNode& node, SettingsDraft& draft,
                  Faults& faults) { read_notify(node, draft.home, draft.notify, faults); }},
    {"log", [](const YamlNode& node, SettingsDraft& draft,
               Faults& faults) { read_log_settings(node, draft.settings.log, faults); }},
    {"plugins", [](const YamlNode& node, SettingsDraft& draft,
                   Faults& faults) { read_plugins(node, draft.home, draft.settings.plugins, faults); }},
    {"retention", [](const YamlNode& node, SettingsDraft& draft,
                     Faults& faults) { read_retention(node, draft.settings.retention, faults); }},
    {"shutdown", [](const YamlNode& node, SettingsDraft& draft,
                    Faults& faults) { read_map<Settings>(node, shutdown_fields, draft.settings, faults); }},
};

} // namespace

SettingsDraft read_settings_draft(const SourceText& source, const std::string& home, const std::string& state_dir,
                                  Faults& faults) {
    SettingsDraft draft;
    draft.home = home;
    draft.defaults.home = home;
    draft.settings.file = source.path;
    draft.settings.state_dir = state_dir;
    const auto document = parse_yaml(source);
    if (!document) {
        faults.push_back(document.error());
        return draft;
    }
    read_map<SettingsDraft>(document->root(), settings_fields, draft, faults);
    auto& read = draft.settings;
    if (read.plugins.empty()) read.plugins = standard_plugins(source.path, {read.jobs_path, read.nodes_file, read.data_file, read.state_dir});
    return draft;
}

Result<Settings> read_settings(const ConfigText& text, const std::string& home, const std::string& state_dir) {
    const SourceText source{text.path, text.path, text.text};
    Faults faults;
    auto draft = read_settings_draft(source, home, state_dir, faults);
    if (!faults.empty()) return to_error(faults);
    return std::move(draft.settings);
}

} // namespace loom
