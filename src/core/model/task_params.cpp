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

const boost::json::value* argument(const TaskSpec& task, std::size_t place, std::string_view name) {
    return place < task.args.size() ? &task.args[place] : task.kwargs.if_contains(name);
}

Result<void> refuse(const boost::json::value* value, bool quoted_is_good, std::string_view why) {
    std::optional<std::string> bad;
    const auto see = [&](const TemplatePart& part) {
        if (!bad && !(quoted_is_good && part.quote)) bad = std::string(part.text);
    };
    if (value) each_param(*value, see);
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
    if (task.name == "fabric.api.run" || task.name == "fabric.api.sudo")
        return refuse(argument(task, 0, "command"), true, "is a foreign value in a shell line: write it with | quote");
    if (task.name == "fabric.api.local")
        return refuse(argument(task, 0, "command"), false, "is a foreign value in a line of this host's own shell: give it in env");
    if (task.name == "fabric.api.put") return refuse(argument(task, 0, "local_path"), false, "is a foreign value in a path of this host");
    if (task.name == "fabric.api.get") return refuse(argument(task, 1, "local_path"), false, "is a foreign value in a path of this host");
    return {};
}

} // namespace loom
