#pragma once
#include "core/config/catalog_builder.hpp"
#include "core/config/yaml.hpp"

namespace loom {

struct Inventory {
    std::vector<Node> nodes; ///< in natural order, each name once
    std::vector<Problem> warnings;
};

/// Reads the nodes file. `texts` gives the home folder, the secrets and whether others can read the file.
Inventory read_inventory(const SourceText& source, const ConfigTexts& texts, Faults& faults);

} // namespace loom
