#include "core/config/nodes_text.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace loom {
namespace {

namespace json = boost::json;

/// JSON is YAML but for one character, which YAML does not allow as it stands.
std::string flow(const json::value& value) {
    auto text = json::serialize(value);
    for (std::size_t at = 0; (at = text.find('\x7f', at)) != std::string::npos;) text.replace(at, 1, "\\u007f");
    return text;
}

bool reads_as_itself(std::string_view text) {
    constexpr std::string_view words[] = {"null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE",
                                          "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON",
                                          "off", "Off", "OFF"};
    if (text.empty() || std::find(std::begin(words), std::end(words), text) != std::end(words)) return false;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (!letter(text.front()) && text.front() != '/' && text.front() != '_') return false;
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
    });
}

std::string scalar(std::string_view text) { return reads_as_itself(text) ? std::string(text) : flow(json::value(text)); }

bool is_simple(const json::value& value) {
    return value.is_string() && reads_as_itself(value.get_string());
}

void write_map(const json::object& map, std::size_t indent, std::string& out);

void write_value(const json::value& value, std::size_t indent, std::string& out) {
    const auto* map = value.if_object();
    if (map && !map->empty()) {
        out += '\n';
        write_map(*map, indent + 2, out);
        return;
    }
    out += ' ';
    if (const auto* text = value.if_string()) {
        out += scalar(*text);
    } else if (const auto* list = value.if_array(); list && std::all_of(list->begin(), list->end(), is_simple)) {
        out += '[';
        for (std::size_t i = 0; i < list->size(); ++i) out.append(i == 0 ? "" : ", ").append((*list)[i].get_string());
        out += ']';
    } else {
        out += flow(value);
    }
    out += '\n';
}

void write_map(const json::object& map, std::size_t indent, std::string& out) {
    for (const auto& entry : map) {
        out.append(indent, ' ').append(scalar(entry.key())) += ':';
        const auto* below = entry.value().if_object();
        // A node that says nothing is its name alone.
        if (indent == 0 && below && below->empty()) out += '\n';
        else write_value(entry.value(), indent, out);
    }
}

} // namespace

json::object node_entry(const Node& node) {
    json::object entry;
    const auto put = [&](const char* key, const std::string& text) {
        if (!text.empty()) entry[key] = text;
    };
    if (node.address != node.name) entry["ip"] = node.address;
    if (node.port != 0) entry["port"] = node.port;
    put("user", node.user);
    put("password", node.password.reveal());
    put("passphrase", node.passphrase.reveal());
    put("identity", node.identity);
    put("jump", node.jump);
    json::object become;
    if (!node.become.user.empty()) become["user"] = node.become.user;
    if (!node.become.password.empty()) become["password"] = node.become.password.reveal();
    if (!become.empty()) entry["become"] = std::move(become);
    if (!node.groups.empty()) entry["groups"] = json::array(node.groups.begin(), node.groups.end());
    if (!node.labels.empty()) {
        json::object labels;
        for (const auto& [key, value] : node.labels) labels[key] = value;
        entry["labels"] = std::move(labels);
    }
    if (!node.vars.empty()) entry["vars"] = node.vars;
    return entry;
}

std::string nodes_text(const std::vector<Node>& nodes) {
    std::string text = "{";
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        text += i == 0 ? "\n" : ",\n";
        text += flow(json::value(nodes[i].name)) + ": " + flow(node_entry(nodes[i]));
    }
    return text + "\n}\n";
}

std::string to_yaml(const json::object& value) {
    std::string out;
    write_map(value, 0, out);
    return out;
}

} // namespace loom
