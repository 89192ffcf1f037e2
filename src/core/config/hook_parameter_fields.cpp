#include "core/config/hook_parameter_fields.hpp"

#include "core/model/hook_value.hpp"

#include <climits>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// RFC 6901: empty, or `/` before each step; `~` only as ~0 and ~1.
bool read_pointer(const YamlNode& node, std::string& into, Faults& faults) {
    std::string text;
    if (!read_text(node, text, faults)) return false;
    bool good = text.empty() || text[0] == '/';
    for (auto at = text.find('~'); at != std::string::npos; at = text.find('~', at + 1))
        good = good && at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1');
    if (!good) {
        const auto meant = text.starts_with("$.") ? text.substr(1) : text;
        std::string steps = meant.starts_with('.') || meant.starts_with('/') ? meant : "/" + meant;
        std::ranges::replace(steps, '.', '/');
        faults.push_back({node.mark, fmt::format("expected a JSON pointer, such as {}, not \"{}\"", steps, text)});
        return false;
    }
    into = std::move(text);
    return true;
}

/// Of a map that names one field in `header` or in `payload`.
struct FieldDraft {
    HookField field;
    int named = 0;
};

void read_header(const YamlNode& node, FieldDraft& draft, Faults& faults) {
    draft.field.in = HookField::In::header;
    ++draft.named;
    read_header_name(node, draft.field.name, faults);
}

void read_payload(const YamlNode& node, FieldDraft& draft, Faults& faults) {
    draft.field.in = HookField::In::payload;
    ++draft.named;
    read_pointer(node, draft.field.name, faults);
}

bool check_field(const FieldDraft& draft, const Mark& mark, Faults& faults) {
    if (draft.named != 1) faults.push_back({mark, "expected one of header: NAME and payload: /POINTER"});
    return draft.named == 1;
}

std::optional<Pattern> read_pattern(const YamlNode& node, Faults& faults) {
    std::string text;
    if (!read_text(node, text, faults)) return std::nullopt;
    auto pattern = Pattern::parse(text);
    if (!pattern) {
        faults.push_back({node.mark, pattern.error().message});
        return std::nullopt;
    }
    return std::move(*pattern);
}

struct ConditionDraft : FieldDraft {
    HookCondition condition;
};

constexpr Field<ConditionDraft> condition_fields[] = {
    {"header", [](const YamlNode& node, ConditionDraft& draft, Faults& faults) { read_header(node, draft, faults); }},
    {"payload", [](const YamlNode& node, ConditionDraft& draft, Faults& faults) { read_payload(node, draft, faults); }},
    {"is", [](const YamlNode& node, ConditionDraft& draft, Faults& faults) { read_texts(node, draft.condition.is, faults); }},
    {"matches", [](const YamlNode& node, ConditionDraft& draft,
                   Faults& faults) { draft.condition.matches = read_pattern(node, faults); }},
};

struct ParameterDraft : FieldDraft {
    HookParameter parameter;
    std::optional<bool> required;
    std::optional<Mark> pattern, values, bounds;
    const YamlNode* standard = nullptr;
};

using Type = HookParameter::Type;
constexpr Choice<Type> types[] = {{"string", Type::text}, {"int", Type::integer}, {"bool", Type::flag}, {"enum", Type::choice}};

template <std::optional<std::int64_t> HookParameter::*Member>
void read_bound(const YamlNode& node, ParameterDraft& draft, Faults& faults) {
    long number = 0;
    draft.bounds = node.mark;
    if (read_integer(node, LONG_MIN, LONG_MAX, number, faults)) draft.parameter.*Member = number;
}

constexpr Field<ParameterDraft> parameter_fields[] = {
    {"header", [](const YamlNode& node, ParameterDraft& draft, Faults& faults) { read_header(node, draft, faults); }},
    {"payload", [](const YamlNode& node, ParameterDraft& draft, Faults& faults) { read_payload(node, draft, faults); }},
    {"type", [](const YamlNode& node, ParameterDraft& draft,
                Faults& faults) { read_choice<Type>(node, types, draft.parameter.type, faults); }},
    {"pattern",
     [](const YamlNode& node, ParameterDraft& draft, Faults& faults) {
         draft.pattern = node.mark;
         draft.parameter.pattern = read_pattern(node, faults);
     }},
    {"values",
     [](const YamlNode& node, ParameterDraft& draft, Faults& faults) {
         draft.values = node.mark;
         read_texts(node, draft.parameter.choices, faults);
     }},
    {"min", read_bound<&HookParameter::least>},
    {"max", read_bound<&HookParameter::most>},
    {"default", [](const YamlNode& node, ParameterDraft& draft, Faults&) { draft.standard = &node; }},
    {"required",
     [](const YamlNode& node, ParameterDraft& draft, Faults& faults) {
         if (bool flag = false; read_flag(node, flag, faults)) draft.required = flag;
     }},
};

/// What the keys of a parameter mean together.
void check_parameter(ParameterDraft& draft, const Mark& mark, Faults& faults) {
    auto& parameter = draft.parameter;
    if (!check_field(draft, mark, faults)) return;
    if (draft.pattern && parameter.type != Type::text) faults.push_back({*draft.pattern, "\"pattern\" belongs to type: string"});
    if (draft.values && parameter.type != Type::choice) faults.push_back({*draft.values, "\"values\" belongs to type: enum"});
    if (draft.bounds && parameter.type != Type::integer) faults.push_back({*draft.bounds, "\"min\" and \"max\" belong to type: int"});
    if (parameter.type == Type::choice && parameter.choices.empty()) faults.push_back({mark, "missing key \"values\", of which an enum has one"});
    if (draft.required == true && draft.standard) faults.push_back({mark, "\"required\" and \"default\" exclude each other"});
    if (draft.required == false && !draft.standard) faults.push_back({mark, "a parameter that is not required needs a \"default\""});
    if (!draft.standard) return;
    auto value = fit(parameter, to_json(*draft.standard, faults));
    if (value) parameter.standard = std::move(*value);
    else faults.push_back({draft.standard->mark, "default: " + value.error().message});
}

} // namespace

bool read_header_name(const YamlNode& node, std::string& into, Faults& faults) {
    std::string text;
    if (!read_text(node, text, faults)) return false;
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    const auto token = [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.find(c) != std::string_view::npos;
    };
    if (text.empty() || !std::ranges::all_of(text, token)) {
        faults.push_back({node.mark, fmt::format("expected a header's name, such as X-GitHub-Event, not \"{}\"", text)});
        return false;
    }
    into = std::move(text);
    return true;
}

void read_filter(const YamlNode& node, std::vector<HookCondition>& filter, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) return;
    if (node.kind != YamlNode::Kind::sequence) {
        faults.push_back({node.mark, "expected a list of conditions, [{payload: /ref, is: refs/heads/main}], not " + describe(node)});
        return;
    }
    for (const auto* item : node.items) {
        ConditionDraft draft;
        const auto before = faults.size();
        read_map<ConditionDraft>(*item, condition_fields, draft, faults);
        if (faults.size() != before || !check_field(draft, item->mark, faults)) continue;
        if (draft.condition.is.empty() == !draft.condition.matches) {
            faults.push_back({item->mark, "expected one of is: VALUE and matches: PATTERN"});
            continue;
        }
        draft.condition.field = std::move(draft.field);
        filter.push_back(std::move(draft.condition));
    }
}

void read_parameters(const YamlNode& node, std::vector<HookParameter>& parameters, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
        if (key->text.empty() || !std::ranges::all_of(key->text, letter)) {
            faults.push_back({key->mark, fmt::format("\"{}\" cannot name a parameter: use letters, digits, '_' and '-'", key->text)});
            continue;
        }
        ParameterDraft draft;
        draft.parameter.name = key->text;
        const auto before = faults.size();
        read_map<ParameterDraft>(*value, parameter_fields, draft, faults);
        if (faults.size() == before) check_parameter(draft, key->mark, faults);
        name_faults(faults, before, key->text);
        draft.parameter.field = std::move(draft.field);
        if (faults.size() == before) parameters.push_back(std::move(draft.parameter));
    }
}

} // namespace loom
