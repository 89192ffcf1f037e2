#pragma once
#include "app/files/places.hpp"
#include "core/task/registry.hpp"

namespace loom {

/// Reads the configuration from disk and builds its catalog; `config_option` is `-c`'s value, or empty for the default
/// places. Without any configuration the catalog is empty. Blocks: for the blocking pool or for start-up.
Result<CatalogPtr> load_catalog(const std::string& config_option, const TaskRegistry& tasks);
Result<CatalogPtr> load_catalog(const std::string& config_option, const TaskRegistry& tasks, const Surroundings& around);

/// What a configuration was read from: single files, a folder searched for *.yaml, and what inventories are in.
struct WatchList {
    std::vector<std::string> files;
    std::string jobs_path; ///< empty: none
    std::vector<std::string> folders{}; ///< everything in them counts
    std::vector<std::string> trees{};   ///< and everything below these
};

WatchList watch_list(const Settings& settings);
WatchList watch_list(const Catalog& catalog);

} // namespace loom
