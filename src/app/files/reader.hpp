#pragma once
#include "app/files/places.hpp"
#include "core/task/registry.hpp"

namespace loom {

/// Reads the configuration from disk and builds its catalog; `config_option` is `-c`'s value, or empty for the default
/// places. Without any configuration the catalog is empty. Blocks: for the blocking pool or for start-up.
Result<CatalogPtr> load_catalog(const std::string& config_option, const TaskRegistry& tasks);
Result<CatalogPtr> load_catalog(const std::string& config_option, const TaskRegistry& tasks, const Surroundings& around);

/// What a configuration was read from: single files, and a folder searched for *.yaml.
struct WatchList {
    std::vector<std::string> files;
    std::string jobs_path; ///< empty: none
};

WatchList watch_list(const Settings& settings);

} // namespace loom
