#pragma once
#include "app/runtime.hpp"
#include "core/run/engine.hpp"
#include "measure/folder.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace loom::bench {

/// What the measurements against simulated nodes are told on the command line.
struct FleetOptions {
    unsigned short port = 0;
    std::size_t count = 1000;  ///< nodes: 127.8.0.1 and the following addresses
    std::size_t at_once = 64;  ///< the job's `parallel`
    std::size_t rounds = 5;
    std::size_t firings = 1;
    std::string command = "true";
    std::string host_key;      ///< as `fleet --host-key` prints it
    bool keep = false;         ///< as the daemon does: sessions stay open for the next run
    std::string job;        ///< more lines of the job, each with its indentation
    std::string ssh_config; ///< its whole text
};

/// The real engine in this process: YAML files, SQLite ledger and SSH as the `loom` program has them, in a throw-away folder.
class Rig {
public:
    explicit Rig(const FleetOptions& options);
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;
    ~Rig();

    using Seen = std::function<void(const Event&)>;
    /// Starts the job that runs `command` on every node, and waits for its last record; `seen` hears of each event.
    RunView fire(const Seen& seen = {});
    std::vector<NodeResultView> results(const std::string& run);

private:
    Folder folder_;
    std::unique_ptr<Runtime> runtime_;
    std::unique_ptr<Engine> engine_;
};

/// The address of a node, by its place from 0.
std::string node_address(std::size_t index);

/// The number of nodes of a run that did not end `ok`.
std::size_t not_ok(const RunView& run);

/// The catalog of a configuration that is sound.
CatalogPtr load_sound(const std::string& file, const TaskRegistry& tasks);

/// Ends the measurement: throws std::runtime_error, so that what was begun is put in order.
[[noreturn]] void give_up(const std::string& why);

} // namespace loom::bench
