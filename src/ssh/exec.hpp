#pragma once
#include "core/task/remote.hpp"
#include "ssh/session.hpp"

namespace loom {

/// What becomes of the command's processes when it is stopped or passes a deadline.
enum class WhenStopped : std::uint8_t { end_it, leave_it };

/// Runs one command on an authenticated session, as Remote::exec promises. Several may run at once on one session, each
/// in its own coroutine on the session's strand: a stop ends only the one's processes, and poisons the session only where
/// the server no longer answers.
awaitable<Outcome> run_command(std::shared_ptr<Session> session, ExecRequest request, StopToken stop,
                               WhenStopped when_stopped = WhenStopped::end_it);

/// The node's state after a stop: cancelled, timed_out or interrupted.
NodeState stopped_state(StopReason reason);

} // namespace loom
