#pragma once
#include "core/task/registry.hpp"

namespace loom {

/// Where a shell line runs: as the login user, through sudo, or on the daemon's own host.
enum class ShellPlace { remote, sudo, local };

/// fabric.api.run, fabric.api.sudo and fabric.api.local: one shell line, from `args[0]` or `kwargs.command`.
/// sudo takes `user`, and is the same as run with `become`. Errc::config errors say which argument is wrong.
Result<std::unique_ptr<Task>> make_shell_task(ShellPlace place, const TaskSpec& spec);

/// `export A='1'; cd -- 'dir' || exit; `: sshd refuses most environment requests, so both travel in the text.
Result<std::string> environment_text(const TaskSpec& spec);

/// Whether the user can be one's name, and is no option of sudo's.
Result<void> check_become(const std::optional<Become>& become);

} // namespace loom
