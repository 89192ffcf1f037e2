#pragma once
#include "core/run/change_log.hpp"
#include "core/run/service.hpp"

#include <functional>
#include <memory>

namespace loom {

/// Every run's changes of state to whoever listens, in the order of their commits. Each event's id is its change's number, so a
/// listener that comes back says the last one that it has, and misses nothing that the ledger keeps. The newest are kept in
/// memory, read once for all; who is further behind reads the log itself, a page at a time, and so waits in nobody's way.
/// Any thread.
class ChangeFeed {
public:
    /// Null: nothing can be asked. The log is asked on its own thread.
    ChangeFeed(std::shared_ptr<ChangeLog> log, const Executor& log_executor);
    ~ChangeFeed();

    /// Something was committed that may be a change.
    void ring();
    /// From the change after this number on; nothing: from now on. `executor` is the listener's.
    awaitable<Result<std::unique_ptr<EventStream>>> subscribe(std::optional<std::uint64_t> after, Executor executor);
    /// Ends all streams.
    void close();

private:
    struct State;
    class Stream;
    std::shared_ptr<State> state_;
};

/// The change as an event: a CloudEvent (1.0, structured JSON) whose data is the run. Pure.
Event to_event(const StateChange& change);

} // namespace loom
