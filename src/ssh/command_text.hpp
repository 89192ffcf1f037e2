#pragma once
#include "core/task/remote.hpp"

#include <string>

namespace loom {

/// A word that no other command has: it marks the command's environment, its first words to us, and sudo's prompt.
std::string new_mark();

/// What is sent for the request. In any login shell (sh, csh, fish) the text first exports LOOM_EXEC=`mark` and has
/// /bin/sh print `MARK PID` on standard error, the login shell's process; then comes the command. With `become` sudo runs
/// /bin/sh, which prints `MARK PID PARENT` before the command, and asks for a password with the prompt `MARK?`.
/// class Opening (ssh/opening.hpp) takes these lines out again.
std::string command_text(const ExecRequest& request, const std::string& mark);

/// For people: why sudo did not begin a command. `refused`: the password was wrong; `said`: sudo's own words, or others.
std::string why_sudo_failed(bool refused, std::string_view said);

} // namespace loom
