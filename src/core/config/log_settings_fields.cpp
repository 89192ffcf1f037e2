#include "core/config/log_settings_fields.hpp"

namespace loom {
namespace {

constexpr Choice<LogLevel> level_choices[] = {{"debug", LogLevel::debug},
                                              {"info", LogLevel::info},
                                              {"warning", LogLevel::warning},
                                              {"error", LogLevel::error},
                                              {"off", LogLevel::off}};
constexpr Choice<LogFormat> format_choices[] = {{"auto", LogFormat::automatic},
                                                {"text", LogFormat::text},
                                                {"json", LogFormat::json},
                                                {"journald", LogFormat::journald}};

void read_levels(const YamlNode& node, LogSettings& log, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        const auto subsystem = parse_subsystem(key->text);
        if (!subsystem) {
            std::vector<std::string> names;
            for (std::size_t i = 0; i < subsystems; ++i) names.emplace_back(to_string(static_cast<Subsystem>(i)));
            faults.push_back({key->mark, unknown_key(key->text, names)});
            continue;
        }
        LogLevel level{};
        const auto before = faults.size();
        if (read_choice<LogLevel>(*value, level_choices, level, faults))
            log.levels[static_cast<std::size_t>(*subsystem)] = level;
        name_faults(faults, before, key->text);
    }
}

constexpr Field<LogSettings> log_fields[] = {
    {"level", [](const YamlNode& node, LogSettings& log,
                 Faults& faults) { read_choice<LogLevel>(node, level_choices, log.level, faults); }},
    {"levels", read_levels},
    {"format", [](const YamlNode& node, LogSettings& log,
                  Faults& faults) { read_choice<LogFormat>(node, format_choices, log.format, faults); }},
};

} // namespace

void read_log_settings(const YamlNode& node, LogSettings& log, Faults& faults) {
    read_map<LogSettings>(node, log_fields, log, faults);
}

} // namespace loom
