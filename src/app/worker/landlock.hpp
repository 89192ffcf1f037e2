#pragma once
#include "core/base/error.hpp"

#include <string>
#include <vector>

namespace loom {

/// What a process may still reach once it has been confined by Landlock (landlock(7)).
struct LandlockRules {
    std::vector<std::string> read;  ///< files and folders to read and to run; those that are not there are left out
    std::vector<std::string> write; ///< and to write
    std::vector<std::string> devices; ///< files to read and to write, and nothing more
    bool network = false;
};

/// The version of Landlock's interface that this kernel has; 0: none, or it is switched off.
int landlock_version();

/// Confines this thread and all that it starts, for good; no_new_privs is set before. Errc::failed with the system's reason.
Result<void> confine_to(const LandlockRules& rules);

} // namespace loom
