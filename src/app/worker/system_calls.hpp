#pragma once
#include "core/base/error.hpp"

namespace loom {

/// Takes the system calls away that no task needs and that lead out of a sandbox, for good, from this thread and all that it
/// starts (seccomp(2)): looking into other processes, mounts and namespaces, keys, modules, io_uring, raw file handles. Without
/// `network` no socket can be made but pairs. A socket of the unix kind cannot be made in any case: the daemon's own, and an
/// ssh-agent's, would know this user. no_new_privs is set before.
Result<void> forbid_system_calls(bool network);

/// Whether this kernel can do so.
bool system_calls_can_be_forbidden();

} // namespace loom
