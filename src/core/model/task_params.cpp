#include "core/model/task_params.hpp"

#include "core/base/template_text.hpp"

#include <set>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::string_view root = "params.";

/// `see(part)` of each parameter in the text.
template <class See>
void each_param(std::string_view text, See see) {
    if (text.find("{{") == std::string_view::npos) return;
    const auto parts = parse_template(text);
    if (!parts) return;
    for (const auto& part : *parts)
        if (part.placeholder && part.text.starts_with(root)) see(part);
}

template <class See>
void each_param(const boost::json::value& value, See see) {
    if (const auto* text = value.if_string()) each_param(std::string_view(*text), see);
    if (const auto* list = value.if_array())
        for (const auto& item : *list) each_param(item, see);
    if (const auto* map = value.if_object())
        for (const auto& item : *map) each_param(item.value(), see);
}

/// What a foreign value must not get into.
enum class ForeignPlace : std::uint8_t { shell_line, own_shell, own_path };

struct ForeignRule {
    std::string_view task, argument;
    std::size_t place; ///< of the argument in `args`
    ForeignPlace kind;
};

constexpr ForeignRule foreign_rules[] = {
    {"fabric.api.run", "command", 0, ForeignPlace::shell_line},
    {"fabric.api.sudo", "command", 0, ForeignPlace::shell_line},
    {"fabric.api.local", "command", 0, ForeignPlace::own_shell},
    {"fabric.api.put", "local_path", 0, ForeignPlace::own_path},
    {"fabric.api.get", "local_path", 1, ForeignPlace::own_path},
    {"loom.files.put", "source", 0, ForeignPlace::own_path},
    {"loom.files.get", "folder", 1, ForeignPlace::own_path},
    {"loom.files.template", "source", 0, ForeignPlace::own_path},
    {"loom.apache.site", "template", 2, ForeignPlace::own_path},
    {"loom.nginx.site", "template", 2, ForeignPlace::own_path},
    {"loom.system.run_daemon_cmd", "command", 0, ForeignPlace::shell_line},
    {"loom.system.cron", "command", 2, ForeignPlace::shell_line},
    {"loom.system.reboot", "command", 3, ForeignPlace::shell_line},
};

/// The argument, by its place or its name, or in each map of `args`.
std::vector<const boost::json::value*> arguments(const TaskSpec& task, std::size_t place, std::string_view name) {
    std::vector<const boost::json::value*> found;
    if (place < task.args.size()) found.push_back(&task.args[place]);
    if (const auto* named = task.kwargs.if_contains(name)) found.push_back(named);
    for (const auto& arg : task.args)
        if (const auto* map = arg.if_object())
            if (const auto* named = map->if_contains(name)) found.push_back(named);
    return found;
}

Result<void> refuse(const boost::json::value& value, bool quoted_is_good, std::string_view why) {
    std::optional<std::string> bad;
    const auto see = [&](const TemplatePart& part) {
        if (!bad && !(quoted_is_good && part.quote)) bad = std::string(part.text);
    };
    each_param(value, see);
    if (!bad) return {};
    return Error{Errc::config, fmt::format("\"{{{{ {} }}}}\" {}", *bad, why)};
}

} // namespace

std::vector<std::string> params_of(const TaskSpec& task) {
    std::set<std::string> names;
    const auto see = [&](const TemplatePart& part) { names.emplace(part.text.substr(root.size())); };
    for (const auto& arg : task.args) each_param(arg, see);
    for (const auto& arg : task.kwargs) each_param(arg.value(), see);
    for (const auto& [name, value] : task.env) each_param(std::string_view(value), see);
    each_param(std::string_view(task.cwd), see);
    return {names.begin(), names.end()};
}

Result<void> check_params(const TaskSpec& task) {
    for (const auto& rule : foreign_rules) {
        if (task.name != rule.task) continue;
        const auto* why = rule.kind == ForeignPlace::shell_line   ? "is a foreign value in a shell line: write it with | quote"
                          : rule.kind == ForeignPlace::own_shell ? "is a foreign value in a line of this host's own shell: give it in env"
                                                                 : "is a foreign value in a path of this host";
        for (const auto* value : arguments(task, rule.place, rule.argument))
            if (auto good = refuse(*value, rule.kind == ForeignPlace::shell_line, why); !good) return good;
    }
    return {};
}

} // namespace loom
