#pragma once
#include "core/base/error.hpp"

#include <span>
#include <string>
#include <sys/types.h>

namespace loom {

/// Starts the program, looked for in PATH unless its name holds a `/`, with posix_spawn(3): own process group, default signals, no input.
/// The descriptors become 1, 2 and so on, and every other one is closed. `words` and `environment` end with null. An errno, or 0.
int spawn_group(pid_t& pid, const char* program, char* const* words, char* const* environment, std::span<const int> descriptors);

/// A descriptor of pidfd_open(2). Where there is none to be had the group is ended: -1, and errno says why.
int watch_group(pid_t pid);

/// A started child: its process (group) id and the ends that its parent reads. The parent closes all three.
struct Child {
    pid_t pid = -1;
    int pidfd = -1; ///< readable once the process has ended (pidfd_open(2))
    int out = -1;
    int err = -1;
};

/// Starts a program by `spawn_group`, in this environment. `words` are the program and its arguments. The error holds the
/// system's reason alone.
Result<Child> start_child(std::span<const std::string> words);

/// `/bin/sh -c line`, likewise; the error says what was being done.
Result<Child> start_shell(const std::string& line);

} // namespace loom
