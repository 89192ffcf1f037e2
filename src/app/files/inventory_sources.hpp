#pragma once
#include "app/files/places.hpp"
#include "app/files/reader.hpp"
#include "core/config/catalog_builder.hpp"

namespace loom {

/// Asks each source of `settings.inventory` for its nodes, one after the other. What a source gave is kept in
/// `state_dir/inventory` (mode 0600: it may hold passwords). One that cannot be read gives what it gave last, and
/// a problem that says so; the others are not touched by it. Blocks: reads files and runs programs, each at most
/// limits::inventory_command_time.
std::vector<SourceNodes> read_inventory_sources(const Settings& settings, const Surroundings& around);

/// Adds what the sources are read from, but for files that an ssh_config includes. Pure.
void watch_inventory_sources(const Settings& settings, WatchList& list);

} // namespace loom
