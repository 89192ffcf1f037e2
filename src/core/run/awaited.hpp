#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>

namespace loom {

/// Nodes that somebody waits for: whichever run reaches one first says so. Any thread.
class Awaited {
public:
    /// Called when an awaited node was reached. Set before the first run.
    std::function<void()> when_reached;

    void add(const std::string& node);
    void remove(const std::string& node);
    /// On every node's path: costs nothing while nobody waits.
    void reached(const std::string& node);
    /// Those that were reached since the last call.
    std::set<std::string> take();

private:
    std::atomic<bool> any_{false};
    std::mutex mutex_;
    std::set<std::string> nodes_, reached_;
};

} // namespace loom
