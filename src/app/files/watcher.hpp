#pragma once
#include "app/files/watch_plan.hpp"
#include "core/async/stop.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>

struct inotify_event;

namespace loom {

/// Notices changes of a configuration by inotify(7): of its files and of everything below jobspath, new folders too.
/// Lives on the strand that `run` is spawned on; walking folders happens on the blocking pool. Without inotify it
/// says so in the log, and only `loom reload` reads anew.
class Watcher {
public:
    Watcher(Executor blocking, WatchList list, std::chrono::milliseconds quiet = std::chrono::milliseconds(250));
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    ~Watcher();

    /// Sets the watches. What changes from here on is noticed by `run`: call it before the files are read.
    awaitable<void> arm();

    /// Calls `changed` when something changed and then nothing more for `quiet` (or for twenty times that, when it
    /// does not stop). By then new folders are watched. Ends when `stop` is requested.
    awaitable<void> run(std::function<void()> changed, StopToken stop);

    /// Watches another configuration's files from now on. On `run`'s strand.
    void watch(WatchList list);

private:
    using Watches = std::map<int, WatchedFolder>; ///< by watch descriptor

    static Watches set_watches(int inotify, const WatchList& list, const Watches& old);
    bool read_pending();
    bool matters(const inotify_event& event);

    Executor blocking_;
    WatchList list_;
    std::chrono::milliseconds quiet_;
    int inotify_ = -1;
    bool armed_ = false; ///< for the present list
    Watches watches_;
    asio::posix::stream_descriptor* waiting_ = nullptr; ///< `run`'s own, to wake it
};

} // namespace loom
