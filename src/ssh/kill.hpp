#pragma once
#include "core/task/remote.hpp"
#include "ssh/session.hpp"

#include <string>

namespace loom {

/// How the processes of one command are told from all others on its node.
struct KillTarget {
    std::string mark; ///< the value of LOOM_EXEC in its environment, and in its shell's command line
    long leader = 0;  ///< the process that leads its session; 0: not known
    long inner = 0;   ///< Opening::inner
};

struct KillReport {
    bool looked = false;   ///< the processes were found (or none was left), signalled and looked for again
    std::string survivors; ///< process ids, separated by blanks
};

/// Ends one command that runs on another channel of the session, and no other: TERM to its processes, the grace, KILL,
/// and a last look (docs/architecture.md, "Ending a command"). Whether as another user, and the deadlines, are taken from
/// `request`, which the command was started with.
awaitable<KillReport> kill_command(std::shared_ptr<Session> session, KillTarget target, ExecRequest request);

/// The shell line that does it, for any POSIX shell.
std::string kill_line(const KillTarget& target, std::chrono::seconds grace);

} // namespace loom
