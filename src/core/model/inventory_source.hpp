#pragma once
#include "core/base/duration.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace loom {

/// One entry of loom.yaml's `inventory`: where nodes come from beside the nodes file.
struct InventorySource {
    enum class Type : std::uint8_t { ansible, ssh_config, command };

    Type type = Type::ansible;
    std::string path;                 ///< a file, or for `ansible` a folder too; absolute
    std::vector<std::string> command; ///< a program and its arguments, which prints what Ansible calls `--list`
    Milliseconds cache{0};            ///< how old a command's last result may be before it runs anew
    std::string place;                ///< `loom.yaml:3:5`
};

} // namespace loom
