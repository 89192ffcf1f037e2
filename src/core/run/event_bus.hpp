#pragma once
#include "core/run/service.hpp"

#include <deque>
#include <map>
#include <mutex>

namespace loom {

/// Hands each event of a run to whoever watches that run. Any thread; a slow listener loses events (and is told by a
/// `gap`), never the publisher its time.
class EventBus {
public:
    /// Whether anybody listens: spares the publisher the making of an event.
    bool watched(const std::string& run);
    void publish(const std::string& run, std::string type, boost::json::object data);
    /// Ends the streams of this run once they are drained.
    void finish(const std::string& run);
    /// From now on; `executor` is the listener's.
    std::unique_ptr<EventStream> subscribe(const std::string& run, const Executor& executor);
    /// Ends all streams: shutdown.
    void close();

private:
    struct Listener;
    class Stream;
    std::mutex mutex_;
    std::uint64_t last_id_ = 0;
    std::multimap<std::string, std::weak_ptr<Listener>> listeners_;
};

} // namespace loom
