#pragma once
#include "core/run/service.hpp"

#include <atomic>
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
    /// Whether anybody follows any run closely. Costs next to nothing.
    bool followed_closely() const { return *close_listeners_ > 0; }
    /// An event for those alone who follow the run closely. Lost, without a `gap`, on one who lags far behind.
    void tell_closely(const std::string& run, std::string type, boost::json::object data);
    /// Tells them by an event `node.printed` (data: node) that there is more of its output; one waits at most for each node, so
    /// that it is never lost.
    void mark_printed(const std::string& run, const std::string& node);
    /// Ends the streams of this run once they are drained.
    void finish(const std::string& run);
    /// From now on; `executor` is the listener's. Closely: with what the two above tell.
    std::unique_ptr<EventStream> subscribe(const std::string& run, const Executor& executor, bool closely = false);
    /// Ends all streams: shutdown.
    void close();

private:
    struct Listener;
    class Stream;
    std::vector<std::shared_ptr<Listener>> listeners_of(const std::string& run);

    std::mutex mutex_;
    std::atomic<std::uint64_t> last_id_{0};
    std::shared_ptr<std::atomic<std::size_t>> close_listeners_ = std::make_shared<std::atomic<std::size_t>>(0);
    std::multimap<std::string, std::weak_ptr<Listener>> listeners_;
};

} // namespace loom
