#pragma once
#include "core/base/duration.hpp"
#include "core/base/near.hpp"
#include "core/config/yaml.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <optional>
#include <utility>

namespace loom {

// Typed reading of a tree. Each function appends what is wrong to `faults` and leaves `into` as it was, so that one
// pass reports everything.

/// Whether a key that occurs twice is a fault, or left for the caller to judge.
enum class Repeats { are_faults, are_kept };

/// The entries of a map with its `<<` merges done: own keys win, then earlier maps of a list. Each key is a scalar.
/// Null counts as an empty map.
std::vector<YamlNode::Entry> map_entries(const YamlNode& node, Faults& faults, Repeats repeats = Repeats::are_faults);

/// A scalar, as text whatever it looks like.
bool read_text(const YamlNode& node, std::string& into, Faults& faults);
/// A list of scalars, or a single one.
bool read_texts(const YamlNode& node, std::vector<std::string>& into, Faults& faults);
bool read_integer(const YamlNode& node, long least, long most, long& into, Faults& faults);
/// A duration; `off` is zero.
bool read_duration(const YamlNode& node, Milliseconds& into, Faults& faults);
/// A size; `off` is zero.
bool read_bytes(const YamlNode& node, std::uint64_t& into, Faults& faults);

/// The value as JSON by YAML 1.2's core schema: plain true, false, null and numbers; other scalars are text.
boost::json::value to_json(const YamlNode& node, Faults& faults);

/// `"uptime"`, `a list`: what was found where something else was expected.
std::string describe(const YamlNode& node);
/// `text`, `a list`: the same where a text may be a secret that stands in the wrong place.
std::string kind_of(const YamlNode& node);

/// The fault of a value or key that this version does not know yet.
std::string unsupported(std::string_view what);

std::string unknown_key(std::string_view key, std::span<const std::string> known);

/// A key of a map and how its value gets into a T; without a function: a key of a later version.
template <class T>
struct Field {
    std::string_view name;
    void (*read)(const YamlNode& node, T& into, Faults& faults);
};

/// Puts the name of the key before the faults from the `first` on: `timeout: idle: expected …`.
void name_faults(Faults& faults, std::size_t first, std::string_view key);

/// Reads a map by its table of fields; an unknown key is a fault with the near name.
template <class T>
void read_map(const YamlNode& node, std::span<const Field<T>> fields, T& into, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        const auto field =
            std::find_if(fields.begin(), fields.end(), [&text = key->text](const auto& f) { return f.name == text; });
        if (field == fields.end()) {
            std::vector<std::string> names;
            for (const auto& known : fields) names.emplace_back(known.name);
            faults.push_back({key->mark, unknown_key(key->text, names)});
        } else if (!field->read) {
            faults.push_back({key->mark, unsupported(key->text)});
        } else {
            const auto before = faults.size();
            field->read(*value, into, faults);
            name_faults(faults, before, field->name);
        }
    }
}

template <class E>
struct Choice {
    std::string_view name;
    std::optional<E> value; ///< none: a choice of a later version
};

void add_choice_fault(const YamlNode& node, std::span<const std::string> names, Faults& faults);

template <class E>
bool read_choice(const YamlNode& node, std::span<const Choice<E>> choices, E& into, Faults& faults) {
    std::vector<std::string> names;
    for (const auto& choice : choices) {
        if (node.kind == YamlNode::Kind::scalar && node.text == choice.name) {
            if (choice.value)
                into = *choice.value;
            else
                faults.push_back({node.mark, unsupported(choice.name)});
            return choice.value.has_value();
        }
        if (choice.value) names.emplace_back(choice.name);
    }
    add_choice_fault(node, names, faults);
    return false;
}

bool read_flag(const YamlNode& node, bool& into, Faults& faults);

/// `~` and `~/x` start at `home`, other relative paths at the folder of the text that `mark` is in.
std::string resolve_path(std::string_view path, const Mark& mark, const std::string& home);

/// Whether the name can stand in a NodeSet expression and in paths as itself: a host's, a group's or a label's.
bool plain_name(std::string_view name);

} // namespace loom
