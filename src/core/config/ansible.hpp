#pragma once
#include "core/config/inventory.hpp"

#include <deque>

namespace loom {

/// An Ansible inventory as it was read from disk, or from a program's output.
struct AnsibleTexts {
    struct Vars {
        std::string name; ///< of the group or the host
        ConfigText text;
    };
    std::string settings_path;           ///< paths below its folder are shown relative to it
    std::string home;                    ///< what `~` means
    std::vector<ConfigText> inventories; ///< in the order in which they are read; later ones win
    std::vector<Vars> group_vars, host_vars; ///< likewise
};

/// Reads the texts as Ansible does: variables of `all` < of a parent < of a child < of the host, and within each the
/// inventory's own < group_vars and host_vars. Variables that say how to log in become the node's own fields, the others
/// its `vars`, as plain data: Jinja expressions are not evaluated. `inventory` gives the nodes in natural order and what
/// was left out; on faults it is empty.
Inventory read_ansible(const AnsibleTexts& texts, Faults& faults, std::deque<SourceText>& sources);

/// Whether the text is a YAML (or JSON) inventory rather than an INI one; `path` counts by its ending.
bool is_yaml_inventory(std::string_view path, std::string_view text);

} // namespace loom
