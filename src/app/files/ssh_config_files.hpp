#pragma once
#include "core/base/error.hpp"

#include <string>
#include <vector>

namespace loom {

/// The concrete names that an ssh_config and what it includes say in `Host` lines, each once, in natural order. Blocks.
/// Errc::config: the file itself cannot be read; an included one that cannot is passed over, as ssh does.
Result<std::vector<std::string>> read_ssh_config_files(const std::string& path, const std::string& home);

} // namespace loom
