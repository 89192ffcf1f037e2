#pragma once
#include "core/run/dispatcher.hpp"
#include "core/run/event_bus.hpp"
#include "core/run/journal.hpp"

namespace loom {

/// The run's events from now on, first what it is now. Journal, bus and dispatcher outlive what it gives.
awaitable<Result<std::unique_ptr<EventStream>>> watch_run(Journal& journal, EventBus& bus, const Dispatcher& dispatcher, WatchRun request);

/// The run as it is; where the query has a `wait`, as it is once it has ended or that time has passed.
awaitable<Result<RunView>> look_at_run(Journal& journal, EventBus& bus, const Dispatcher& dispatcher, RunQuery query);

/// What a node has printed from a place on; where the query has a `wait` and there is nothing yet, what comes within that time.
awaitable<Result<NodeOutputPiece>> look_at_output(Journal& journal, EventBus& bus, const Dispatcher& dispatcher, NodeOutputQuery query);

/// The run that a request with this key has started before; nothing: there is none. Errc::conflict where the request was
/// another one.
awaitable<Result<std::optional<RunView>>> requested_before(Journal& journal, std::string key, std::string digest);

} // namespace loom
