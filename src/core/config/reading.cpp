#include "core/config/reading.hpp"

#include "core/base/bytes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <filesystem>
#include <spdlog/fmt/fmt.h>
#include <unordered_map>

namespace loom {
namespace {

using Entry = YamlNode::Entry;

/// Knows the keys met so far, by text: a short map is searched, a long one hashed.
class SeenKeys {
public:
    /// The key met before under this text, or null, and then it is met now.
    const YamlNode* meet(const YamlNode* key) {
        if (few_.size() < 16 && many_.empty()) {
            for (const auto* seen : few_)
                if (seen->text == key->text) return seen;
            few_.push_back(key);
            return nullptr;
        }
        if (many_.empty())
            for (const auto* seen : few_) many_.emplace(seen->text, seen);
        const auto [at, fresh] = many_.emplace(key->text, key);
        return fresh ? nullptr : at->second;
    }

private:
    std::vector<const YamlNode*> few_;
    std::unordered_map<std::string_view, const YamlNode*> many_;
};

bool is_merge(const YamlNode& key) { return key.plain && key.text == "<<"; }

void merge(const YamlNode& from, std::vector<Entry>& entries, SeenKeys& seen, Faults& faults) {
    if (from.kind == YamlNode::Kind::sequence) {
        for (const auto* item : from.items) {
            if (item->kind == YamlNode::Kind::map)
                merge(*item, entries, seen, faults);
            else
                faults.push_back({item->mark, "<<: expected a map to merge, not " + describe(*item)});
        }
        return;
    }
    if (from.kind != YamlNode::Kind::map) {
        faults.push_back({from.mark, "<<: expected a map to merge, not " + describe(from)});
        return;
    }
    for (const auto& entry : map_entries(from, faults))
        if (!seen.meet(entry.key)) entries.push_back(entry);
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

template <class Number>
std::optional<Number> parse_plain_number(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    Number number{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

boost::json::value scalar_to_json(const YamlNode& node) {
    const std::string_view text = node.text;
    if (!node.plain) return boost::json::value(text);
    if (one_of(text, {"true", "True", "TRUE"})) return true;
    if (one_of(text, {"false", "False", "FALSE"})) return false;
    // from_chars would read the words inf and nan, which JSON cannot carry.
    const auto digits = text.substr(std::min(text.find_first_not_of("+-"), text.size()));
    if (digits.empty() || !one_of(digits.substr(0, 1), {".", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}))
        return boost::json::value(text);
    if (const auto number = parse_plain_number<std::int64_t>(text)) return *number;
    if (const auto number = parse_plain_number<double>(text)) return *number;
    return boost::json::value(text);
}

} // namespace

std::vector<Entry> map_entries(const YamlNode& node, Faults& faults, Repeats repeats) {
    std::vector<Entry> entries;
    if (node.kind == YamlNode::Kind::null) return entries;
    if (node.kind != YamlNode::Kind::map) {
        faults.push_back({node.mark, "expected a map, not " + kind_of(node)});
        return entries;
    }
    entries.reserve(node.entries.size());
    SeenKeys seen;
    std::vector<const YamlNode*> merges;
    for (const auto& entry : node.entries) {
        const auto& key = *entry.key;
        if (key.kind != YamlNode::Kind::scalar) {
            faults.push_back({key.mark, "a key must be a word, not " + describe(key)});
        } else if (is_merge(key)) {
            merges.push_back(entry.value);
        } else if (const auto* first = seen.meet(&key); first && repeats == Repeats::are_faults) {
            faults.push_back(
                {key.mark, fmt::format("duplicate key \"{}\", first on line {}", key.text, first->mark.line)});
        } else {
            entries.push_back(entry);
        }
    }
    for (const auto* from : merges) merge(*from, entries, seen, faults);
    return entries;
}

bool read_text(const YamlNode& node, std::string& into, Faults& faults) {
    if (node.kind != YamlNode::Kind::scalar) {
        faults.push_back({node.mark, "expected text, not " + describe(node)});
        return false;
    }
    into = node.text;
    return true;
}

bool read_texts(const YamlNode& node, std::vector<std::string>& into, Faults& faults) {
    std::vector<std::string> texts;
    if (node.kind == YamlNode::Kind::scalar)
        texts.emplace_back(node.text);
    else if (node.kind != YamlNode::Kind::sequence) {
        faults.push_back({node.mark, "expected text or a list of texts, not " + describe(node)});
        return false;
    }
    for (const auto* item : node.items)
        if (!read_text(*item, texts.emplace_back(), faults)) return false;
    into = std::move(texts);
    return true;
}

bool read_integer(const YamlNode& node, long least, long most, long& into, Faults& faults) {
    const auto number =
        node.kind == YamlNode::Kind::scalar && node.plain ? parse_plain_number<long>(node.text) : std::nullopt;
    if (!number || *number < least || *number > most) {
        faults.push_back(
            {node.mark, fmt::format("expected a number from {} to {}, not {}", least, most, describe(node))});
        return false;
    }
    into = *number;
    return true;
}

bool read_duration(const YamlNode& node, Milliseconds& into, Faults& faults) {
    if (node.kind != YamlNode::Kind::scalar) {
        faults.push_back({node.mark, "expected a duration such as 30s or 5m, or off, not " + describe(node)});
        return false;
    }
    if (node.text == "off") {
        into = Milliseconds(0);
        return true;
    }
    const auto duration = parse_duration(node.text);
    if (!duration)
        faults.push_back({node.mark, duration.error().message});
    else
        into = *duration;
    return duration.has_value();
}

bool read_bytes(const YamlNode& node, std::uint64_t& into, Faults& faults) {
    if (node.kind != YamlNode::Kind::scalar) {
        faults.push_back({node.mark, "expected a size such as 10GiB or 500MiB, or off, not " + describe(node)});
        return false;
    }
    if (node.text == "off") {
        into = 0;
        return true;
    }
    const auto bytes = parse_bytes(node.text);
    if (!bytes) faults.push_back({node.mark, bytes.error().message});
    else into = *bytes;
    return bytes.has_value();
}

boost::json::value to_json(const YamlNode& node, Faults& faults) {
    switch (node.kind) {
    case YamlNode::Kind::null:
        return nullptr;
    case YamlNode::Kind::scalar:
        return scalar_to_json(node);
    case YamlNode::Kind::sequence: {
        boost::json::array list;
        list.reserve(node.items.size());
        for (const auto* item : node.items) list.push_back(to_json(*item, faults));
        return list;
    }
    case YamlNode::Kind::map:
        break;
    }
    boost::json::object map;
    for (const auto& entry : map_entries(node, faults)) map.emplace(entry.key->text, to_json(*entry.value, faults));
    return map;
}

std::string kind_of(const YamlNode& node) {
    switch (node.kind) {
    case YamlNode::Kind::null:
        return "nothing";
    case YamlNode::Kind::sequence:
        return "a list";
    case YamlNode::Kind::map:
        return "a map";
    case YamlNode::Kind::scalar:
        break;
    }
    return "text";
}

std::string describe(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::scalar) return kind_of(node);
    return node.text.size() > 60 ? "a longer text" : fmt::format("\"{}\"", node.text);
}

std::string unsupported(std::string_view what) {
    return fmt::format("\"{}\" is not supported yet by this version", what);
}

std::string unknown_key(std::string_view key, std::span<const std::string> known) {
    return fmt::format("unknown key \"{}\"{}", key, did_you_mean(key, known));
}

void name_faults(Faults& faults, std::size_t first, std::string_view key) {
    for (auto i = first; i < faults.size(); ++i) faults[i].message = fmt::format("{}: {}", key, faults[i].message);
}

bool read_flag(const YamlNode& node, bool& into, Faults& faults) {
    const bool plain = node.kind == YamlNode::Kind::scalar && node.plain && (node.text == "true" || node.text == "false");
    if (plain) into = node.text == "true";
    else faults.push_back({node.mark, "expected true or false, not " + describe(node)});
    return plain;
}

void add_choice_fault(const YamlNode& node, std::span<const std::string> names, Faults& faults) {
    faults.push_back({node.mark, fmt::format("expected one of {}, not {}{}", fmt::join(names, ", "), describe(node),
                                             did_you_mean(node.text, names))});
}

std::string resolve_path(std::string_view path, const Mark& mark, const std::string& home) {
    if (path == "~") return home;
    if (path.starts_with("~/")) return home + std::string(path.substr(1));
    if (path.starts_with('/')) return std::string(path);
    const auto folder = std::filesystem::path(mark.source->path).parent_path();
    auto resolved = (folder / path).lexically_normal().string();
    if (resolved.size() > 1 && resolved.ends_with('/')) resolved.pop_back();
    return resolved;
}

bool plain_name(std::string_view name) {
    if (name.empty() || name.size() > 255 || name.front() == '-' || name == "." || name == "..") return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-' || c == ':' || c == '%';
    });
}

} // namespace loom
