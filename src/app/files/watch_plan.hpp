#pragma once
#include "app/files/reader.hpp"

#include <map>
#include <set>

namespace loom {

/// What matters in one folder.
struct WatchedFolder {
    std::set<std::string> names; ///< of files, links and missing folders
    bool manifests = false;      ///< below jobspath: *.yaml and folders too
    bool all = false;            ///< every name but hidden ones
};

/// The real folders to watch for a configuration. Folders, not files: editors and package tools replace files, and a
/// symlink's text changes where the link stands as well as where it leads. Of a path that does not exist yet, the
/// nearest folder that does is watched. Blocks.
std::map<std::string, WatchedFolder> plan_watches(const WatchList& list);

} // namespace loom
