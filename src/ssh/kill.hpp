#pragma once
#include "core/base/duration.hpp"
#include "ssh/channel.hpp"

#include <string>

namespace loom {

struct KillReport {
    bool looked = false;   ///< the processes were found (or none was left), signalled and looked for again
    std::string survivors; ///< process ids, separated by blanks
};

/// Ends the commands that run on the session's other channels: TERM to the process groups, the grace, KILL, and a last
/// look (docs/architecture.md, "Ending a command"). `become` is the prefix that the command was run with. The caller
/// bounds the time: the grace and what two logins' shells take.
awaitable<KillReport> kill_commands(std::shared_ptr<Session> session, std::string become, Milliseconds grace);

/// The shell line that does it, for any POSIX shell.
std::string kill_line(const std::string& become, std::chrono::seconds grace);

} // namespace loom
