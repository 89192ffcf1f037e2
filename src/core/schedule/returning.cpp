#include "core/schedule/returning.hpp"

#include <algorithm>

namespace loom {

bool may_return(NodeState state, Cause cause) {
    return state == NodeState::unreachable && cause != Cause::auth && cause != Cause::host_key;
}

bool was_reached(NodeState state) {
    return terminal(state) && state != NodeState::unreachable && state != NodeState::skipped && state != NodeState::not_started;
}

Instant made_up_until(const Job& job, Instant due) { return due + job.policy->catch_up_window; }

bool may_make_up(const Job& job, Instant due, Instant now, const Facts& facts) {
    return now <= made_up_until(job, due) && !paused(facts, now) && !calendar_at(job.policy->blackout.calendars, now);
}

Milliseconds look_again_after(int looks) {
    constexpr Milliseconds first = std::chrono::minutes(1), most = std::chrono::minutes(10);
    return std::min(first * (1 << std::clamp(looks, 0, 4)), most);
}

std::vector<std::string> whose_turn(std::vector<AwayNode> waiting, Instant now, std::size_t most) {
    std::erase_if(waiting, [&](const AwayNode& node) { return node.next > now; });
    std::ranges::stable_sort(waiting, {}, &AwayNode::next);
    std::vector<std::string> turn;
    for (auto& node : waiting)
        if (turn.size() < most) turn.push_back(std::move(node.node));
    return turn;
}

} // namespace loom
