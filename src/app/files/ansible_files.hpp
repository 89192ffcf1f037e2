#pragma once
#include "core/config/ansible.hpp"

namespace loom {

/// Reads an inventory file or a folder of them, and the group_vars/ and host_vars/ beside the file or in the folder.
/// In a folder, names that begin with a dot and those that Ansible passes over (`~`, .bak, .cfg, .md, .orig, .retry,
/// .rst, .swp, .txt, …) are left out. Blocks. Errc::config: a file cannot be read, or is a program.
Result<AnsibleTexts> read_ansible_files(const std::string& path, const std::string& settings_path, const std::string& home);

} // namespace loom
