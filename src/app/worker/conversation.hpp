#pragma once
#include "app/worker/node_requests.hpp"
#include "app/worker/worker.hpp"
#include "core/async/deadline.hpp"

namespace loom {

/// One call of one worker: what it is asked to do on a node, and what it asks for in return. Lives on the worker's strand.
class Conversation final : public WorkerListener {
public:
    /// All of it outlives the conversation.
    Conversation(Worker& worker, std::int64_t id, const PluginCall& call, NodeHands& hands);

    /// Until the worker has told how it went, or is gone. A stop or the command's deadline is told to it first; then it is asked to
    /// end, then it is ended.
    awaitable<Outcome> run();

    /// The worker is gone, or broke the protocol, without being told to end.
    bool crashed() const { return gone_ && !stopped_; }
    /// The worker wishes to be given no more calls.
    bool last() const { return result_ && result_->last; }

private:
    Result<void> heard(boost::json::object message, Descriptor file, std::size_t bytes) override;
    void printed(bool err, std::string_view bytes) override;
    void gone(const std::string& why) override;

    void end(NodeState state, StopReason reason, std::string why);
    awaitable<void> answer(WorkerRequest request);
    awaitable<bool> connect_again();
    Result<void> take_text(const boost::json::object& message, std::string_view type);
    void log(const boost::json::object& message, const std::string& text);
    Outcome conclude();

    Worker& worker_;
    const std::int64_t id_;
    const PluginCall& call_;
    NodeHands& hands_;
    std::unique_ptr<Remote> again_; ///< the connection that followed one which was lost
    Bell bell_;
    StopToken inner_; ///< of what is done on the node
    struct Waiting {
        WorkerRequest request;
        std::size_t bytes = 0;
    };
    std::deque<Waiting> requests_;
    std::size_t waiting_bytes_ = 0;
    std::optional<WorkerResult> result_;
    std::optional<std::string> gone_;      ///< why
    std::optional<NodeState> stopped_;     ///< what a stop or a deadline makes of it
    std::string why_, lost_;               ///< of that, and of a link that died
    std::optional<Deadline> term_, kill_;
    std::size_t lines_ = 0;
    std::shared_ptr<OutputBuffer> output_;
    Outcome outcome_;
};

} // namespace loom
