#include "core/config/settings.hpp"

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

template <int Settings::*Member, long least>
void read_workers(const YamlNode& node, SettingsDraft& draft, Faults& faults) {
    constexpr long most = 10'000;
    long number = 0;
    if (read_integer(node, least, most, number, faults)) draft.settings.*Member = static_cast<int>(number);
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
         if (!read_texts(node, draft.settings.known_hosts, faults)) return;
         for (auto& path : draft.settings.known_hosts) path = resolve_path(path, node.mark, draft.home);
     }},
};

constexpr Field<SettingsDraft> settings_fields[] = {
    {"nodesfile", read_path<&Settings::nodes_file>},
    {"jobspath", read_path<&Settings::jobs_path>},
    {"datafile", read_path<&Settings::data_file>},
    {"min_workers", read_workers<&Settings::min_workers, 0>},
    {"max_workers", read_workers<&Settings::max_workers, 1>},
    {"state_dir", read_path<&Settings::state_dir>},
    {"socket_group", [](const YamlNode& node, SettingsDraft& draft,
                        Faults& faults) { read_text(node, draft.settings.socket_group, faults); }},
    {"ssh", [](const YamlNode& node, SettingsDraft& draft,
               Faults& faults) { read_map<SettingsDraft>(node, ssh_fields, draft, faults); }},
    {"groups", read_groups},
    {"defaults",
     [](const YamlNode& node, SettingsDraft& draft, Faults& faults) { read_job_fields(node, draft.defaults, faults); }},
    {"listen", nullptr},
    {"log", nullptr},
    {"plugins", nullptr},
    {"retention", nullptr},
    {"starts_per_second", nullptr},
};

} // namespace

SettingsDraft read_settings_draft(const SourceText& source, const std::string& home, const std::string& state_dir,
                                  Faults& faults) {
    SettingsDraft draft;
    draft.home = home;
    draft.defaults.home = home;
    draft.settings.file = source.path;
    draft.settings.state_dir = state_dir;
    draft.settings.known_hosts = {home + "/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"};
    const auto document = parse_yaml(source);
    if (!document) {
        faults.push_back(document.error());
        return draft;
    }
    const auto& root = document->root();
    read_map<SettingsDraft>(root, settings_fields, draft, faults);
    if (faults.empty() && draft.settings.min_workers > draft.settings.max_workers)
        faults.push_back({root.mark, fmt::format("min_workers {} is more than max_workers {}",
                                                 draft.settings.min_workers, draft.settings.max_workers)});
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
