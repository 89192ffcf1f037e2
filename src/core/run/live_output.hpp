#pragma once
#include "core/run/event_bus.hpp"
#include "core/run/output_piece.hpp"

#include <optional>
#include <unordered_map>

namespace loom {

/// What the nodes of this process's runs have printed so far: from a node's first byte until its result is in the ledger. A
/// node that prints nothing takes no room. Any thread.
///
/// As much is kept of a node as the ledger will keep. Where all of them together reach the bound, who prints loses its own
/// oldest bytes here; the ledger has them at the end.
class LiveOutputs {
public:
    explicit LiveOutputs(std::size_t most = 64u << 20) : most_(most) {}

    /// `attempts` of the try that prints: the first byte of another one takes the place of what stands here.
    void add(const std::string& run, const std::string& node, int attempts, bool err, std::string_view bytes);
    void forget(const std::string& run, const std::string& node);

    /// Nothing: the node has printed nothing yet, or the ledger has it.
    std::optional<OutputPieces> read(const std::string& run, const std::string& node, const OutputPlace& place) const;
    /// The run's nodes that stand here.
    std::vector<std::string> nodes(const std::string& run) const;
    std::size_t bytes() const;

private:
    struct Stream {
        std::uint64_t start = 0;
        std::string text;
    };
    struct Node {
        int attempts = 0;
        Stream out, err;
    };
    void make_room(Stream& stream, std::size_t wanted);
    void drop(Node& node);

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::size_t bytes_ = 0;
    std::unordered_map<std::string, std::unordered_map<std::string, Node>> runs_;
};

/// How one node of a run tells what it does to whoever follows the run closely. Lives until the node's result is in the
/// ledger; costs nothing while the node prints nothing and nobody follows. The strings outlive it.
class NodeTap {
public:
    NodeTap(LiveOutputs& live, EventBus& bus, const std::string& run, const std::string& node)
        : live_(live), bus_(bus), run_(run), node_(node) {}
    NodeTap(const NodeTap&) = delete;
    NodeTap& operator=(const NodeTap&) = delete;
    ~NodeTap();

    void entered(Phase phase);
    /// What is heard from now on belongs to this attempt.
    void begin(int attempts) { attempts_ = attempts; }
    /// ExecRequest::on_output.
    void operator()(bool err, std::string_view bytes);

private:
    LiveOutputs& live_;
    EventBus& bus_;
    const std::string& run_;
    const std::string& node_;
    int attempts_ = 0;
    bool told_ = false;
};

} // namespace loom
