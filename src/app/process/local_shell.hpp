#pragma once
#include "core/task/task.hpp"

#include <memory>

namespace loom {

/// Runs lines by `/bin/sh -c` on this host, at most `max_workers` at once, each in a process group of its own with
/// nothing inherited but /dev/null and two pipes. A stop or a deadline sends TERM to the group, waits the grace, then
/// KILL. Any strand.
std::unique_ptr<LocalShell> create_local_shell(Executor executor, std::size_t max_workers);

} // namespace loom
