#pragma once
#include "core/run/event_bus.hpp"
#include "core/run/output_piece.hpp"
#include "core/task/output_buffer.hpp"

#include <optional>
#include <unordered_map>

namespace loom {

/// Where that is gathered what the nodes of this process's runs print: from a node's first byte until its result is in the ledger.
/// It is read where it lies, and a node that prints nothing is not here. Any thread.
class LiveOutputs {
public:
    /// What another try prints takes the place of what stands here.
    void show(const std::string& run, const std::string& node, int attempts, std::shared_ptr<const OutputBuffer> output);
    void forget(const std::string& run, const std::string& node);

    /// Nothing: the node has printed nothing yet, or the ledger has it.
    std::optional<OutputPieces> read(const std::string& run, const std::string& node, const OutputPlace& place) const;
    /// The run's nodes that stand here.
    std::vector<std::string> nodes(const std::string& run) const;

private:
    struct Node {
        int attempts = 0;
        std::shared_ptr<const OutputBuffer> output;
    };
    std::optional<Node> find(const std::string& run, const std::string& node) const;

    mutable std::mutex mutex_; ///< of the list: it is held neither while a node prints nor while its output is read
    std::unordered_map<std::string, std::unordered_map<std::string, Node>> runs_;
};

/// How one node of a run tells what it does to whoever follows the run closely. Lives until the node's result is in the
/// ledger; costs next to nothing while the node prints nothing and nobody follows. The strings outlive it.
class NodeTap {
public:
    NodeTap(LiveOutputs& live, EventBus& bus, const std::string& run, const std::string& node)
        : live_(live), bus_(bus), run_(run), node_(node) {}
    NodeTap(const NodeTap&) = delete;
    NodeTap& operator=(const NodeTap&) = delete;
    ~NodeTap();

    void entered(Phase phase);
    /// Where this attempt's output is to be gathered. Nothing is added to what a former one has left.
    std::shared_ptr<OutputBuffer> begin(int attempts);

private:
    void printed(int attempts);

    LiveOutputs& live_;
    EventBus& bus_;
    const std::string& run_;
    const std::string& node_;
    std::shared_ptr<const OutputBuffer> output_; ///< of the present attempt
    int shown_ = 0; ///< the attempt whose output is shown; 0: none
};

} // namespace loom
