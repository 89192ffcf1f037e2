#include "core/config/ansible_groups.hpp"
#include "core/config/reading.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

bool has_sealed(const YamlNode& node) {
    if (node.sealed) return true;
    return std::any_of(node.items.begin(), node.items.end(), [](const auto* item) { return has_sealed(*item); }) ||
           std::any_of(node.entries.begin(), node.entries.end(), [](const auto& entry) { return has_sealed(*entry.value); });
}

void read_vars(const YamlNode& node, AnsibleVars& into, Faults& faults, Faults& warnings) {
    // `ansible_password=…` for a map, say: the text stays out of the message.
    if (node.kind == YamlNode::Kind::scalar) return faults.push_back({node.mark, "expected variables: a map"});
    // Ansible lets a later key win; so do people who copied a block.
    for (const auto& [key, value] : map_entries(node, faults, Repeats::are_kept)) {
        if (has_sealed(*value)) {
            warnings.push_back({value->mark, fmt::format("{} is encrypted with Ansible Vault: it is left out", key->text)});
            continue;
        }
        AnsibleVar var{to_json(*value, faults), value->mark, {}};
        if (var.value.is_number() || var.value.is_bool()) var.text = value->text;
        into.insert_or_assign(std::string(key->text), std::move(var));
    }
}

class TreeReader {
public:
    TreeReader(AnsibleGroups& into, Faults& faults, Faults& warnings) : into_(into), faults_(faults), warnings_(warnings) {}

    void read(const YamlNode& root) {
        bool meta = false, list = false;
        for (const auto& [key, value] : map_entries(root, faults_)) {
            if (key->text == "_meta") {
                meta = true;
                read_meta(*value);
                continue;
            }
            if (value->kind == YamlNode::Kind::sequence) list = true;
            read_group(*key, *value);
        }
        if (list && !meta) warnings_.push_back({root.mark, "no _meta.hostvars: no host has variables of its own"});
    }

private:
    void read_meta(const YamlNode& node) {
        for (const auto& [key, value] : map_entries(node, faults_)) {
            if (key->text != "hostvars") continue;
            for (const auto& [host, vars] : map_entries(*value, faults_))
                read_vars(*vars, into_.hosts[into_.host(host->text, host->mark)].vars, faults_, warnings_);
        }
    }

    std::size_t read_group(const YamlNode& key, const YamlNode& node) {
        const auto group = into_.group(key.text, key.mark);
        into_.groups[group].declared = true;
        if (node.kind == YamlNode::Kind::sequence) {
            read_hosts(node, group);
            return group;
        }
        for (const auto& [name, value] : map_entries(node, faults_)) {
            if (name->text == "hosts") read_hosts(*value, group);
            else if (name->text == "vars") read_vars(*value, into_.groups[group].vars, faults_, warnings_);
            else if (name->text == "children") read_children(*value, group);
            else {
                const std::vector<std::string> known{"hosts", "vars", "children"};
                faults_.push_back({name->mark, fmt::format("group {}: {}", key.text, unknown_key(name->text, known))});
            }
        }
        return group;
    }

    void read_hosts(const YamlNode& node, std::size_t group) {
        // A list is what a program prints: names as they stand.
        if (node.kind == YamlNode::Kind::sequence) {
            for (const auto* item : node.items) {
                std::string name;
                if (read_text(*item, name, faults_)) into_.add_host(group, name, item->mark, {});
            }
            return;
        }
        if (node.kind == YamlNode::Kind::scalar) return add(group, node, {});
        for (const auto& [key, value] : map_entries(node, faults_, Repeats::are_kept)) {
            AnsibleVars vars;
            read_vars(*value, vars, faults_, warnings_);
            add(group, *key, vars);
        }
    }

    void add(std::size_t group, const YamlNode& pattern, const AnsibleVars& vars) {
        std::string why;
        if (!into_.add_hosts(group, pattern.text, pattern.mark, vars, why)) faults_.push_back({pattern.mark, why});
    }

    void read_children(const YamlNode& node, std::size_t group) {
        const auto add_child = [&](std::size_t child) { into_.groups[group].children.push_back(child); };
        if (node.kind == YamlNode::Kind::sequence) {
            for (const auto* item : node.items) {
                std::string name;
                if (!read_text(*item, name, faults_)) continue;
                const auto child = into_.group(name, item->mark);
                // A program may name a group that it does not list: it has no hosts then.
                into_.groups[child].declared = true;
                add_child(child);
            }
            return;
        }
        if (node.kind == YamlNode::Kind::scalar) return add_child(read_group(node, YamlNode{}));
        for (const auto& [key, value] : map_entries(node, faults_)) add_child(read_group(*key, *value));
    }

    AnsibleGroups& into_;
    Faults& faults_;
    Faults& warnings_;
};

} // namespace

void read_ansible_tree(const SourceText& text, AnsibleGroups& into, Faults& faults, Faults& warnings) {
    const auto document = parse_yaml(text, Tags::ansible);
    if (!document) {
        faults.push_back(document.error());
        return;
    }
    TreeReader(into, faults, warnings).read(document->root());
}

void read_ansible_vars(const SourceText& text, AnsibleVars& into, Faults& faults, Faults& warnings) {
    // The whole file may be encrypted.
    if (text.text.starts_with("$ANSIBLE_VAULT")) {
        warnings.push_back({{&text, 1, 1}, "the file is encrypted with Ansible Vault: it is left out"});
        return;
    }
    const auto document = parse_yaml(text, Tags::ansible);
    if (!document) faults.push_back(document.error());
    else read_vars(document->root(), into, faults, warnings);
}

} // namespace loom
