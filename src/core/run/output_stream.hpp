#pragma once
#include "core/run/journal.hpp"
#include "core/run/live_output.hpp"

#include <deque>
#include <set>

namespace loom {

/// A run's events with what its nodes print among them: `node.output` (data: node, stream, attempts, offset, text, next). It is read
/// when the listener comes for it, from where that listener is: a slow one holds nothing up and keeps nothing, and all of a
/// node's output comes before its `node.finished`. Journal and outputs outlive it.
class OutputStream final : public EventStream {
public:
    /// `from` follows the run closely, and has begun before this is made.
    OutputStream(std::unique_ptr<EventStream> from, Journal& journal, const LiveOutputs& live, std::string run);

    awaitable<std::optional<Event>> next() override;
    void close() override { from_->close(); }

private:
    awaitable<void> read_more();
    void add(const OutputPiece& piece, std::string_view stream, const OutputPlace& next);

    std::unique_ptr<EventStream> from_;
    Journal& journal_;
    const LiveOutputs& live_;
    const std::string run_;
    std::set<std::string> waiting_; ///< nodes that had printed before this began, and are not read yet
    std::map<std::string, OutputPlace> places_; ///< of nodes whose end has not been told: one that is read to its end may be called printed once more
    std::string reading_;            ///< the node whose output comes now; empty: none
    std::optional<NodeResult> ended_; ///< of that node, once the ledger has it
    std::deque<Event> ready_;
    std::optional<Event> after_; ///< the event that follows what is read now
    std::uint64_t id_ = 0;       ///< of the newest event
};

} // namespace loom
