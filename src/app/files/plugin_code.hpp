#pragma once
#include "app/files/places.hpp"

namespace loom {

/// Looks at the folders of the settings' plugins: one entry for each, in their order. Blocks. Errc::config, with the place, where a
/// sandboxed plugin could read what holds secrets: the configuration, its state, the keys of this user.
Result<std::vector<PluginCode>> read_plugin_code(const Settings& settings, const Surroundings& around);

/// Errc::config, with the place, where a sandboxed plugin could read the private key of a node.
Result<void> check_identities(const Catalog& catalog, const Surroundings& around);

/// An entry of a plugin's `paths` or `read` that its workers cannot read.
struct UnreadablePath {
    std::string plugin, key;
    std::size_t item = 0; ///< which one of the key's
    std::string message;
};

/// Those that are not there, and those that are there for others than who will run the workers. Blocks.
std::vector<UnreadablePath> unreadable_paths(const Settings& settings, const Surroundings& around);

} // namespace loom
