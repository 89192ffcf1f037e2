#pragma once
#include "core/task/remote.hpp"
#include "ssh/session.hpp"

namespace loom {

/// Runs one command on an authenticated session, as Remote::exec promises.
awaitable<Outcome> run_command(std::shared_ptr<Session> session, ExecRequest request, StopToken stop);

/// The node's state after a stop: cancelled, timed_out or interrupted.
NodeState stopped_state(StopReason reason);

} // namespace loom
