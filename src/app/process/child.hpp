#pragma once
#include "core/base/error.hpp"

#include <string>
#include <sys/types.h>

namespace loom {

/// A started child: its process (group) id and the ends that its parent reads. The parent closes all three.
struct Child {
    pid_t pid = -1;
    int pidfd = -1; ///< readable once the process has ended (pidfd_open(2))
    int out = -1;
    int err = -1;
};

/// Starts `/bin/sh -c line` with posix_spawn(3): own process group, default signals, descriptors from 3 on closed.
Result<Child> start_shell(const std::string& line);

} // namespace loom
