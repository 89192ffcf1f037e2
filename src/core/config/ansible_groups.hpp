#pragma once
#include "core/config/yaml.hpp"

#include <boost/json/value.hpp>
#include <map>
#include <unordered_map>

namespace loom {

/// A variable's value as plain data, and where it stands.
struct AnsibleVar {
    boost::json::value value;
    Mark mark;
    std::string text; ///< a number or a flag as it was written: `1.50`
};
using AnsibleVars = std::map<std::string, AnsibleVar, std::less<>>;

struct AnsibleGroup {
    std::string name;
    AnsibleVars vars;      ///< of the inventory
    AnsibleVars file_vars; ///< of group_vars/
    std::vector<std::size_t> children;
    bool declared = false; ///< a section or key of its own; a group that is only a child of another must have one
    Mark mark;             ///< where it was named first
};

struct AnsibleHost {
    std::string name;
    Mark mark;
    AnsibleVars vars;      ///< of the inventory
    AnsibleVars file_vars; ///< of host_vars/
    std::vector<std::size_t> groups; ///< those that name it
};

/// The groups and hosts of one inventory while its texts are read, in the order in which they were met.
class AnsibleGroups {
public:
    static constexpr std::size_t all = 0, ungrouped = 1;

    AnsibleGroups();

    /// The group's index; made when it is new.
    std::size_t group(std::string_view name, const Mark& mark);
    /// The host's index; made when it is new.
    std::size_t host(std::string_view name, const Mark& mark);
    /// A pattern such as `web[01:50]:2222` in a group, each host with these variables. False when a bound was passed or
    /// the pattern is wrong; `why` says so.
    bool add_hosts(std::size_t group, std::string_view pattern, const Mark& mark, const AnsibleVars& vars, std::string& why);
    void add_host(std::size_t group, std::string_view name, const Mark& mark, const AnsibleVars& vars);

    const AnsibleGroup* find_group(std::string_view name) const;
    const AnsibleHost* find_host(std::string_view name) const;

    std::vector<AnsibleGroup> groups;
    std::vector<AnsibleHost> hosts;

private:
    std::unordered_map<std::string, std::size_t> group_places_, host_places_;
    std::size_t mentions_ = 0;
};

/// Reads an INI inventory (the plugin ansible.builtin.ini): hosts with inline variables, `[group]`, `[group:children]`
/// and `[group:vars]`.
void read_ansible_ini(const SourceText& text, AnsibleGroups& into, Faults& faults);

/// Reads a YAML inventory (ansible.builtin.yaml) or what an inventory program prints as JSON for `--list`.
/// `warnings` take what is left out.
void read_ansible_tree(const SourceText& text, AnsibleGroups& into, Faults& faults, Faults& warnings);

/// Reads a file of group_vars/ or host_vars/: a map.
void read_ansible_vars(const SourceText& text, AnsibleVars& into, Faults& faults, Faults& warnings);

} // namespace loom
