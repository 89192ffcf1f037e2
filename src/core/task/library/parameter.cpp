#include "core/task/library/parameter.hpp"

#include "core/base/near.hpp"
#include "core/base/template_text.hpp"

#include <algorithm>
#include <charconv>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

namespace json = boost::json;
using Kind = ParameterKind;
using Texts = std::vector<std::string>;

constexpr long number_most = 2'000'000'000; ///< what a uid may be, and any shell counts to

bool takes_list(Kind kind) { return kind == Kind::names || kind == Kind::locals || kind == Kind::paths; }

Kind item_of(Kind kind) {
    if (kind == Kind::names) return Kind::name;
    if (kind == Kind::locals) return Kind::local;
    return kind == Kind::paths ? Kind::path : kind;
}

Error not_expected(std::string_view what, std::string_view found) {
    return {Errc::config, fmt::format("expected {}, not \"{}\"", what, found)};
}

/// A number is text as people write it; of 1.10 nobody knows any more how it was written.
Result<std::string> argument_text(const json::value& value) {
    if (const auto* text = value.if_string()) return std::string(*text);
    if (const auto* number = value.if_int64()) return std::to_string(*number);
    if (const auto* number = value.if_uint64()) return std::to_string(*number);
    if (value.is_double()) return Error{Errc::config, "expected text: put the number in quotes"};
    if (value.is_bool()) return Error{Errc::config, "expected text: put true and false in quotes"};
    return Error{Errc::config, value.is_array() ? "expected text, not a list" : "expected text, not a map"};
}

Result<std::string> argument_name(std::string text) {
    const bool good = !text.empty() && text.front() != '-' && std::ranges::none_of(text, [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
    });
    if (!good) return not_expected("a name: one word that does not begin with -", text);
    return text;
}

Result<std::string> argument_path(std::string text) {
    if (text.empty()) return not_expected("a path", text);
    if (text.front() == '~' && text != "~" && !text.starts_with("~/")) return not_expected("a path (of the homes only ~/ is known)", text);
    return text;
}

Result<std::string> argument_local(std::string text) {
    const auto parts = parse_template(text);
    const bool later = parts && !parts->empty() && parts->front().placeholder;
    if (!text.starts_with('/') && !text.starts_with("~/") && !later) return not_expected("a path of Loom's own host, from / or ~/", text);
    return text;
}

Result<std::string> argument_number(std::string text) {
    long number = 0;
    const auto* end = text.data() + text.size();
    const auto [at, fault] = std::from_chars(text.data(), end, number);
    if (fault != std::errc() || at != end || number < 0 || number > number_most) return not_expected("a whole number", text);
    return std::to_string(number);
}

/// `0644`, or the number 644 that YAML reads it as: its digits are octal.
Result<std::string> argument_mode(std::string text) {
    auto digits = text;
    if (digits.starts_with("0o")) digits.erase(0, 2);
    const bool octal = !digits.empty() && digits.size() <= 5 && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '7'; });
    const auto mode = octal ? std::stoul(digits, nullptr, 8) : 010000UL;
    if (mode > 07777) return not_expected("octal permissions such as 0644", text);
    return fmt::format("{:04o}", mode);
}

Result<std::string> argument_duration(const std::string& text) {
    const auto duration = parse_duration(text == "off" ? "0" : text);
    if (!duration) return duration.error();
    return std::to_string(duration->count());
}

Result<std::string> argument_choice(const Parameter& parameter, std::string text) {
    if (std::ranges::find(parameter.choices, text) != parameter.choices.end()) return text;
    const Texts known(parameter.choices.begin(), parameter.choices.end());
    return Error{Errc::config, fmt::format("expected {}, not \"{}\"{}", fmt::join(known, ", "), text, did_you_mean(text, known))};
}

/// One value in the spelling of its kind.
Result<std::string> read_one(const Parameter& parameter, const json::value& value) {
    const auto kind = item_of(parameter.kind);
    if (kind == Kind::flag && value.is_bool()) return std::string(value.get_bool() ? "true" : "false");
    auto text = argument_text(value);
    if (!text) return text.error();
    if (text->find('\0') != std::string::npos) return Error{Errc::config, "a NUL byte cannot be part of it"};
    if (has_placeholder(*text) && kind != Kind::local) return text; // what it will be is not known yet
    switch (kind) {
    case Kind::name: return argument_name(std::move(*text));
    case Kind::path: return argument_path(std::move(*text));
    case Kind::local: return argument_local(std::move(*text));
    case Kind::number: return argument_number(std::move(*text));
    case Kind::mode: return argument_mode(std::move(*text));
    case Kind::duration: return argument_duration(*text);
    case Kind::choice: return argument_choice(parameter, std::move(*text));
    case Kind::flag:
        if (*text != "true" && *text != "false") return not_expected("true or false", *text);
        return text;
    default: return text;
    }
}

Error about_task(const TaskInfo& task, std::string_view what) { return {Errc::config, fmt::format("{}: {}", task.name, what)}; }

const Parameter* find_parameter(const TaskInfo& task, std::string_view name) {
    const auto found = std::ranges::find(task.parameters, name, &Parameter::name);
    return found == task.parameters.end() ? nullptr : &*found;
}

Result<Arguments> read_named(const TaskInfo& task, const json::object& named) {
    Arguments arguments;
    for (const auto& [key, value] : named) {
        const auto* parameter = find_parameter(task, key);
        if (!parameter) {
            Texts known;
            for (const auto& each : task.parameters) known.emplace_back(each.name);
            return about_task(task, fmt::format("has no argument \"{}\"{}", std::string_view(key), did_you_mean(key, known)));
        }
        if (value.is_null()) continue;
        if (auto set = arguments.set(*parameter, value); !set) return about_task(task, fmt::format("{}: {}", std::string_view(key), set.error().message));
    }
    for (const auto& parameter : task.parameters) {
        if (arguments.has(parameter.name)) continue;
        if (parameter.required) return about_task(task, fmt::format("needs {}: {}", parameter.name, parameter.about));
        // A default is read as what it stands for, or the table is wrong.
        if (!parameter.value.empty()) arguments.set(parameter, json::value(parameter.value)).value();
    }
    return arguments;
}

} // namespace

std::string_view word_of(ParameterKind kind) {
    switch (kind) {
    case Kind::text: return "text";
    case Kind::name: return "name";
    case Kind::names: return "names";
    case Kind::path: return "path";
    case Kind::paths: return "paths";
    case Kind::local: return "local path";
    case Kind::locals: return "local paths";
    case Kind::number: return "number";
    case Kind::flag: return "flag";
    case Kind::mode: return "mode";
    case Kind::duration: return "duration";
    case Kind::choice: return "choice";
    }
    return "";
}

const std::string& Arguments::text(std::string_view name) const {
    static const std::string none;
    const auto found = values_.find(name);
    return found == values_.end() || found->second.empty() ? none : found->second.front();
}

Texts Arguments::texts(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? Texts() : found->second;
}

long Arguments::number(std::string_view name) const {
    const auto& digits = text(name);
    return digits.empty() ? 0 : std::stol(digits);
}

bool Arguments::flag(std::string_view name) const { return text(name) == "true"; }

Milliseconds Arguments::duration(std::string_view name) const { return Milliseconds(number(name)); }

unsigned Arguments::mode(std::string_view name) const {
    const auto& digits = text(name);
    return digits.empty() ? 0 : static_cast<unsigned>(std::stoul(digits, nullptr, 8));
}

Result<void> Arguments::set(const Parameter& parameter, const json::value& value) {
    Texts texts;
    const auto* list = takes_list(parameter.kind) ? value.if_array() : nullptr;
    if (list && list->empty()) return Error{Errc::config, "expected one at least, not an empty list"};
    const auto add = [&](const json::value& item) -> Result<void> {
        auto one = read_one(parameter, item);
        if (!one) return one.error();
        texts.push_back(std::move(*one));
        return {};
    };
    if (list) {
        for (const auto& item : *list)
            if (auto added = add(item); !added) return added;
    } else if (auto added = add(value); !added) {
        return added;
    }
    // Counted as given, without a value: there will be one when the placeholder is filled in.
    const bool as_it_stands = parameter.kind < Kind::number;
    if (!as_it_stands && has_placeholder(texts.front())) texts.clear();
    values_[std::string(parameter.name)] = std::move(texts);
    return {};
}

Result<std::vector<Arguments>> read_arguments(const TaskInfo& task, const TaskSpec& spec) {
    std::vector<Arguments> all;
    const auto add = [&](const json::object& named) -> Result<void> {
        auto arguments = read_named(task, named);
        if (!arguments) return arguments.error();
        all.push_back(std::move(*arguments));
        return {};
    };
    auto named = spec.kwargs;
    if (!spec.args.empty() && std::ranges::all_of(spec.args, [](const auto& arg) { return arg.is_object(); })) {
        for (const auto& arg : spec.args) {
            auto one = arg.get_object();
            for (const auto& [key, value] : spec.kwargs)
                if (!one.emplace(key, value).second) return about_task(task, fmt::format("got {} twice", std::string_view(key)));
            if (auto added = add(one); !added) return added.error();
        }
        return all;
    }
    if (spec.args.size() > task.parameters.size()) {
        Texts names;
        for (const auto& each : task.parameters) names.emplace_back(each.name);
        return about_task(task, names.empty() ? "takes no arguments" : fmt::format("takes {} arguments at most: {}", names.size(), fmt::join(names, ", ")));
    }
    for (std::size_t i = 0; i < spec.args.size(); ++i)
        if (!named.emplace(task.parameters[i].name, spec.args[i]).second) return about_task(task, fmt::format("got {} twice", task.parameters[i].name));
    if (auto added = add(named); !added) return added.error();
    return all;
}

} // namespace loom
