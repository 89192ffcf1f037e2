#pragma once
#include "core/async/bell.hpp"
#include "core/async/stop.hpp"
#include "core/run/journal.hpp"

#include <map>
#include <mutex>

namespace loom {

/// Who waits in this process for other runs of its job, and which nodes of those can be cancelled for it. What has the turn
/// is in the ledger; this only spares the wait until it is looked at again. Any thread.
class Turns {
public:
    /// Rings the bell whenever something of the job has ended, until it goes.
    class [[nodiscard]] Listening {
    public:
        Listening(Turns& turns, const std::string& job, Bell bell);
        Listening(const Listening&) = delete;
        Listening& operator=(const Listening&) = delete;
        ~Listening();

    private:
        Turns& turns_;
        std::multimap<std::string, Bell>::iterator place_;
    };
    void ring(const std::string& job);

    /// That this node of a run can be ended alone, until `release`.
    void hold(const std::string& run, const std::string& node, StopToken stop);
    void release(const std::string& run, const std::string& node);
    void cancel(const std::string& run, const std::string& node, std::string words);

private:
    std::mutex mutex_;
    std::multimap<std::string, Bell> bells_; ///< by job
    std::map<std::pair<std::string, std::string>, StopToken> nodes_; ///< by run and node
};

/// What other runs of a run's job, none of which has ended, are to do on nodes: node → run.
struct NodeHolders {
    std::map<std::string, std::string> ahead;  ///< the newest of those recorded before the run
    std::map<std::string, std::string> behind; ///< the newest of those recorded after it
};
awaitable<Result<NodeHolders>> holders_of(Journal& journal, std::string run, std::string job);

} // namespace loom
