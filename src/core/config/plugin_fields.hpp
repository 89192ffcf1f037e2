#pragma once
#include "core/config/reading.hpp"
#include "core/model/plugin.hpp"

namespace loom {

/// loom.yaml's `plugins`: a map of names.
void read_plugins(const YamlNode& node, const std::string& home, Plugins& plugins, Faults& faults);

/// What counts where loom.yaml has no `plugins`: one, whose modules are in the folder `plugins` beside loom.yaml.
Plugins standard_plugins(const std::string& settings_path);

} // namespace loom
