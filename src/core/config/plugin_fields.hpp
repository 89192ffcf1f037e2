#pragma once
#include "core/config/reading.hpp"
#include "core/model/plugin.hpp"

#include <initializer_list>

namespace loom {

/// loom.yaml's `plugins`: a map of names.
void read_plugins(const YamlNode& node, const std::string& home, Plugins& plugins, Faults& faults);

/// What counts where loom.yaml has no `plugins`: one, whose modules are in the folder `plugins` beside loom.yaml; none where that
/// folder is another thing, for it holds one of these paths.
Plugins standard_plugins(const std::string& settings_path, std::initializer_list<std::string_view> others);

} // namespace loom
