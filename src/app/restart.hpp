#pragma once
#include "core/model/catalog.hpp"

namespace loom {

/// The keys of loom.yaml that differ and that a running daemon does not take over.
std::vector<std::string> keys_of_next_start(const Settings& started, const Settings& fresh);

/// The catalog, with a warning for each of these keys.
CatalogPtr with_restart_warnings(const Settings& started, CatalogPtr fresh);

} // namespace loom
