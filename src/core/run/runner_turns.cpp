#include "core/run/runner.hpp"

#include "core/schedule/overlap.hpp"

#include <algorithm>

// A run whose nodes other runs of its job have too (`overlap.scope: node`).

namespace loom {
namespace {

/// How often the ledger is asked who has a node: that run may be in another process.
constexpr std::chrono::seconds ask_for_nodes_every{1};

/// The run that has the node; empty: none.
std::string_view holder(const std::map<std::string, std::string>& runs, const std::string& node) {
    const auto found = runs.find(node);
    return found == runs.end() ? std::string_view() : std::string_view(found->second);
}

} // namespace

/// Dials these, those first that no other run of the job has; the others are skipped or have their turn when that is done
/// with them. While the ledger cannot say who has them, they wait.
awaitable<void> Runner::dial_in_turn(std::size_t position, std::size_t end) {
    if (plan_.node_overlap == Overlap::allow) {
        co_await dial(position, end);
        co_return;
    }
    turns_.ring(run_.job); // a run that waits may give way to this one
    Bell bell(strand_);
    auto ring = [bell](StopReason) { bell.ring(); };
    const auto registration = stop_.on_stop(strand_, std::move(ring));
    const Turns::Listening listening(turns_, run_.job, bell);
    while (position < end && !halted() && !stop_.requested()) {
        const auto holders = co_await holders_of(journal_, run_.id, run_.job);
        if (holders) {
            const auto turns = sort_by_turn(position, end, *holders);
            co_await dial(position, turns.begin_end);
            if (turns.begin_end < turns.skip_end) co_await skip(turns.begin_end, turns.skip_end, turns.why);
            position = turns.skip_end;
        }
        if (position == end) break;
        const bool rung = co_await bell.wait_for(ask_for_nodes_every);
        (void)rung;
    }
}

/// Puts the places into the order in which they are dealt with: begin, skip, wait.
Runner::TurnOrder Runner::sort_by_turn(std::size_t position, std::size_t end, const NodeHolders& holders) {
    std::vector<std::uint32_t> skipped, waiting;
    TurnOrder order{position, position, {}};
    for (auto i = position; i < end; ++i) {
        const auto& node = plan_.nodes[order_[i]]->name;
        const auto ahead = holder(holders.ahead, node);
        auto turn = decide_node(plan_.node_overlap, ahead, holder(holders.behind, node));
        if (turn.cancels) turns_.cancel(std::string(ahead), node, replaced_message(plan_.node_overlap, run_.id));
        if (turn.kind == NodeTurn::Kind::begin) {
            order_[order.begin_end++] = order_[i];
        } else if (turn.kind == NodeTurn::Kind::skip) {
            skipped.push_back(order_[i]);
            order.why.push_back(std::move(turn.why));
        } else {
            waiting.push_back(order_[i]);
        }
    }
    order.skip_end = order.begin_end + skipped.size();
    auto place = order_.begin() + static_cast<std::ptrdiff_t>(order.begin_end);
    place = std::ranges::copy(skipped, place).out;
    std::ranges::copy(waiting, place);
    return order;
}

} // namespace loom
