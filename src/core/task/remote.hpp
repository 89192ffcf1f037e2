#pragma once
#include "core/async/stop.hpp"
#include "core/model/job.hpp"
#include "core/model/node.hpp"
#include "core/model/outcome.hpp"

#include <functional>
#include <memory>

namespace loom {

/// One command for a node's shell.
struct ExecRequest {
    std::string command; ///< shell text, sent verbatim
    std::string input;   ///< stdin; end of file follows
    Timeouts timeout;
    std::string become;  ///< a prefix that runs a shell line as another user, for the kill too: `sudo -n -- `
};

/// Port: a node that was reached. Any strand, one coroutine at a time.
class Remote {
public:
    virtual ~Remote() = default;

    /// Runs the command to its end. The outcome is `ok` only with end of output, a clean close, no signal and exit
    /// status 0. A stop or a deadline ends the remote process group (docs/architecture.md, "Ending a command") and
    /// gives cancelled, timed_out or interrupted; a dead link gives lost.
    virtual awaitable<Outcome> exec(ExecRequest request, StopToken stop) = 0;

    /// The polite ending, after which the connection may serve the next task; the destructor is the rude one.
    virtual awaitable<void> close() = 0;
};

/// Why a node was not reached, and whether another try may help.
struct Unreached {
    NodeState state = NodeState::unreachable; ///< or cancelled, timed_out, interrupted when stopped
    Cause cause = Cause::none;
    Phase phase = Phase::none;
    std::string message;
    bool retry = false; ///< name, refused, reset, connect timeout, and a drop before authentication
};

struct Connected {
    std::unique_ptr<Remote> remote; ///< null: see `unreached`
    Unreached unreached;
};

/// Port: reaches nodes. Any strand.
class Connector {
public:
    virtual ~Connector() = default;

    /// `entered` (may be empty) is called on the strand as each phase begins: the caller counts a node that stays silent
    /// in Phase::connect differently from one that answers slowly.
    virtual awaitable<Connected> connect(Node node, Timeouts timeout, StopToken stop,
                                         std::function<void(Phase)> entered) = 0;

    /// Ends what is kept for later connections; nothing may be connected any more. Returns when nothing is left.
    virtual awaitable<void> close() { co_return; }
};

} // namespace loom
