#pragma once
#include "core/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// What of an ssh_config(5) makes nodes: the names that its `Host` lines say in full, and the files it includes.
struct SshConfigNames {
    std::vector<std::string> names;    ///< without patterns and negations; each once, in their order
    std::vector<std::string> includes; ///< as written: patterns of paths
};

/// Reads the keywords `Host` and `Include`; everything else is for the dialler. Never fails: a name that cannot be a
/// node's is passed over.
SshConfigNames read_ssh_config_names(std::string_view text);

} // namespace loom
