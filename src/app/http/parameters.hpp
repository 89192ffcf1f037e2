#pragma once
#include "core/run/json.hpp"

#include <charconv>
#include <map>
#include <string>

namespace loom {

/// Path ids and query parameters by name, decoded.
using Parameters = std::map<std::string, std::string>;

/// The path's `{field}` parts against a path, segment by segment; nothing when they differ. Segments are still
/// percent-encoded in `path` and decoded in the result.
std::optional<Parameters> match_path(std::string_view pattern, std::string_view path);
/// The pattern with its `{field}` parts filled in, and taken out of `parameters`.
std::string fill_path(std::string_view pattern, Parameters& parameters);
/// `a=1&b=2`, decoded; Errc::usage for a parameter that comes twice.
Result<Parameters> parse_query(std::string_view query);
std::string to_query(const Parameters& parameters);

/// Reads one field: text as it is, numbers in full, `true` and `false`. An object or a list travels in a body only.
template <class Field>
bool read_parameter(const std::string& text, Field& field) {
    if constexpr (std::is_same_v<Field, std::string>) {
        field = text;
        return true;
    } else if constexpr (std::is_same_v<Field, bool>) {
        field = text == "true";
        return field || text == "false";
    } else if constexpr (std::is_same_v<Field, boost::json::object> || std::is_same_v<Field, std::vector<std::string>>) {
        return false;
    } else {
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), field);
        return ec == std::errc{} && end == text.data() + text.size();
    }
}

/// A described request from its parameters, as strict as from_json: an unknown one is an Errc::usage error with the
/// near name.
template <class T>
Result<T> from_parameters(const Parameters& parameters) {
    using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
    T value{};
    std::optional<Error> error;
    std::vector<std::string> names;
    boost::mp11::mp_for_each<Members>([&](auto member) {
        names.emplace_back(member.name);
        const auto found = parameters.find(member.name);
        if (found == parameters.end() || error) return;
        if (!read_parameter(found->second, value.*member.pointer))
            error = usage_error(std::string("parameter \"") + member.name + "\" has the wrong type");
    });
    if (error) return *error;
    for (const auto& [name, text] : parameters)
        if (std::find(names.begin(), names.end(), name) == names.end())
            return usage_error("unknown parameter \"" + name + "\"" + did_you_mean(name, names));
    return value;
}

/// The request's fields that differ from their defaults.
template <class T>
Parameters to_parameters(const T& value) {
    using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
    Parameters parameters;
    const T standard{};
    boost::mp11::mp_for_each<Members>([&](auto member) {
        const auto& field = value.*member.pointer;
        using Field = std::remove_cvref_t<decltype(field)>;
        if (field == standard.*member.pointer) return;
        if constexpr (std::is_same_v<Field, std::string>) parameters[member.name] = field;
        else if constexpr (std::is_same_v<Field, bool>) parameters[member.name] = field ? "true" : "false";
        else if constexpr (std::is_same_v<Field, boost::json::object> || std::is_same_v<Field, std::vector<std::string>>)
            parameters[member.name] = boost::json::serialize(boost::json::value_from(field));
        else parameters[member.name] = std::to_string(field);
    });
    return parameters;
}

} // namespace loom
