#include "core/task/placeholders.hpp"

#include "core/base/quote.hpp"
#include "core/base/template_text.hpp"

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

Error no_value(std::string_view name, std::string_view why) {
    return usage_error(fmt::format("\"{{{{ {} }}}}\" {}", name, why));
}

/// As it was written: 1.5, 2.0. JSON would write 1.5E0.
std::string decimal(double number) {
    auto text = fmt::format("{}", number);
    if (text.find_first_not_of("-0123456789") == text.npos) text += ".0";
    return text;
}

/// `path` is the dotted rest of `name` within `values`.
Result<std::string> look_up(std::string_view name, std::string_view path, const boost::json::object* values) {
    const boost::json::value* found = nullptr;
    while (values) {
        const auto dot = path.find('.');
        found = values->if_contains(path.substr(0, dot));
        if (!found || dot == std::string_view::npos) break;
        values = found->if_object();
        if (!values) found = nullptr;
        path.remove_prefix(dot + 1);
    }
    if (!found || found->is_null()) return no_value(name, "has no value");
    if (found->is_object() || found->is_array()) return no_value(name, "is a list or a map, expected text, a number or a flag");
    if (const auto* text = found->if_string()) return std::string(*text);
    if (const auto* number = found->if_double()) return decimal(*number);
    return boost::json::serialize(*found);
}

Result<std::string> value_of(std::string_view name, const PlaceholderScope& scope) {
    if (name == "run.id") return std::string(scope.run_id);
    if (name == "run.due") return std::string(scope.run_due);
    if (name == "job.name") return std::string(scope.job_name);
    if (name.starts_with("params.") && !scope.params) return no_value(name, "has no value: a webhook gives one, and nothing else does");
    if (name.starts_with("params.")) return look_up(name, name.substr(std::string_view("params.").size()), scope.params);
    if (!scope.node) return no_value(name, "has no value here: no node is at work");
    if (name == "node.name") return scope.node->name;
    if (name == "node.address") return scope.node->address;
    if (name == "node.user" && scope.node->user.empty()) return no_value(name, "has no value: its node names no user");
    if (name == "node.user") return scope.node->user;
    return look_up(name, name.substr(std::string_view("node.vars.").size()), &scope.node->vars);
}

std::string percent_encoded(std::string_view value) {
    if (value == ".") return "%2E";
    if (value == "..") return "%2E%2E";
    std::string text;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '/' || c == '%' || byte < 0x20 || byte == 0x7f) text += fmt::format("%{:02X}", byte);
        else text += c;
    }
    return text;
}

enum class Into { text, path, look };

Result<std::string> expand(std::string_view text, const PlaceholderScope& scope, Into into) {
    const auto parts = parse_template(text);
    if (!parts) return parts.error();
    std::string result;
    for (const auto& part : *parts) {
        if (!part.placeholder) {
            result += part.text;
            continue;
        }
        if (into == Into::look && !part.text.starts_with("params.")) {
            result += fmt::format("{{{{ {}{} }}}}", part.text, part.quote ? " | quote" : "");
            continue;
        }
        auto value = value_of(part.text, scope);
        if (!value) return value.error();
        if (into == Into::path) {
            if (part.quote) return no_value(part.text, "cannot be quoted in a path");
            result += percent_encoded(*value);
        } else if (part.quote) {
            auto quoted = shell_quote(*value);
            if (!quoted) return quoted.error();
            result += *quoted;
        } else {
            result += *value;
        }
    }
    return result;
}

/// Expands every string within `value`, keys of maps excepted. Depth is bounded by limits::yaml_depth.
Result<void> expand_json(boost::json::value& value, const PlaceholderScope& scope, Into into) {
    if (auto* text = value.if_string()) {
        auto expanded = expand(*text, scope, into);
        if (!expanded) return expanded.error();
        *text = *expanded;
    } else if (auto* list = value.if_array()) {
        for (auto& item : *list)
            if (auto done = expand_json(item, scope, into); !done) return done;
    } else if (auto* map = value.if_object()) {
        for (auto& item : *map)
            if (auto done = expand_json(item.value(), scope, into); !done) return done;
    }
    return {};
}

Result<TaskSpec> expand_all(TaskSpec spec, const PlaceholderScope& scope, Into into) {
    for (auto& arg : spec.args)
        if (auto done = expand_json(arg, scope, into); !done) return done.error();
    for (auto& arg : spec.kwargs)
        if (auto done = expand_json(arg.value(), scope, into); !done) return done.error();
    for (auto& [name, value] : spec.env) {
        auto expanded = expand(value, scope, into);
        if (!expanded) return expanded.error();
        value = std::move(*expanded);
    }
    auto cwd = expand(spec.cwd, scope, into == Into::text ? Into::path : into);
    if (!cwd) return cwd.error();
    spec.cwd = std::move(*cwd);
    return spec;
}

} // namespace

Result<std::string> expand_placeholders(std::string_view text, const PlaceholderScope& scope) {
    return expand(text, scope, Into::text);
}

Result<std::string> expand_path(std::string_view text, const PlaceholderScope& scope) {
    return expand(text, scope, Into::path);
}

Result<TaskSpec> expand_task(TaskSpec spec, const PlaceholderScope& scope) { return expand_all(std::move(spec), scope, Into::text); }

Result<TaskSpec> show_params(TaskSpec spec, const boost::json::object& params) {
    PlaceholderScope scope;
    scope.params = &params;
    return expand_all(std::move(spec), scope, Into::look);
}

} // namespace loom
