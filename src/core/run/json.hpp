#pragma once
#include "core/base/error.hpp"
#include "core/base/near.hpp"

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11/algorithm.hpp>
#include <vector>

namespace loom {

/// The JSON form of a described struct: one member for each field, optionals as null.
template <class T>
boost::json::value to_json(const T& value) {
    return boost::json::value_from(value);
}

/// Reads a described struct leniently on what is missing (the field keeps its default) and strictly on the rest:
/// an unknown member is an Errc::usage error with the near name, a wrong type one that names the field.
template <class T>
Result<T> from_json(const boost::json::value& json) {
    using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
    const auto* object = json.if_object();
    if (!object) return usage_error("expected a JSON object");
    T value{};
    std::optional<Error> error;
    std::size_t used = 0;
    std::vector<std::string> names;
    boost::mp11::mp_for_each<Members>([&](auto member) {
        names.emplace_back(member.name);
        const auto found = object->find(member.name);
        if (found == object->end()) return;
        ++used;
        using Field = std::remove_cvref_t<decltype(value.*member.pointer)>;
        auto field = boost::json::try_value_to<Field>(found->value());
        if (field) value.*member.pointer = std::move(*field);
        else if (!error) error = usage_error(std::string("\"") + member.name + "\" has the wrong type");
    });
    if (error) return *error;
    if (used == object->size()) return value;
    for (const auto& entry : *object) {
        const std::string name(entry.key());
        if (std::find(names.begin(), names.end(), name) == names.end())
            return usage_error("unknown member \"" + name + "\"" + did_you_mean(name, names));
    }
    return value;
}

} // namespace loom
