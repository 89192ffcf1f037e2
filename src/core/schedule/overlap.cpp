#include "core/schedule/overlap.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::vector<std::string> in_state(const std::vector<InFlight>& runs, RunState state) {
    std::vector<std::string> ids;
    for (const auto& run : runs)
        if (run.state == state) ids.push_back(run.id);
    return ids;
}

} // namespace

Overlap overlap_of_runs(const Job& job) { return job.policy->overlap_scope == OverlapScope::job ? job.policy->overlap : Overlap::allow; }

Overlap overlap_of_nodes(const Job& job) { return job.policy->overlap_scope == OverlapScope::node ? job.policy->overlap : Overlap::allow; }

OverlapPlan decide_overlap(Overlap policy, const std::vector<InFlight>& others) {
    OverlapPlan plan;
    if (policy == Overlap::allow || others.empty()) return plan;
    auto waiting = in_state(others, RunState::waiting);
    plan.kind = OverlapPlan::Kind::wait;
    auto ahead = others.front().id;
    switch (policy) {
    case Overlap::allow: break;
    case Overlap::skip:
        plan.kind = OverlapPlan::Kind::skip;
        plan.why = fmt::format("run {} has not ended (overlap: skip)", ahead);
        return plan;
    case Overlap::buffer_one: plan.replaced = std::move(waiting); break;
    case Overlap::buffer_all:
        if (waiting.size() >= limits::runs_waiting) {
            plan.kind = OverlapPlan::Kind::skip;
            plan.why = fmt::format("{} runs wait already (overlap: buffer_all)", waiting.size());
            return plan;
        }
        ahead = others.back().id;
        break;
    case Overlap::cancel_other:
        plan.replaced = std::move(waiting);
        plan.cancelled = in_state(others, RunState::running);
        break;
    }
    plan.why = fmt::format("waits for run {} (overlap: {})", ahead, to_string(policy));
    return plan;
}

RunState replaced_state(Overlap policy) {
    return policy == Overlap::cancel_other ? RunState::cancelled : RunState::skipped;
}

std::string replaced_message(Overlap policy, std::string_view by) {
    return fmt::format("run {} takes its place (overlap: {})", by, to_string(policy));
}

Turn turn_of(std::string_view run, const std::vector<InFlight>& in_flight) {
    const auto own = std::ranges::find(in_flight, run, &InFlight::id);
    if (own == in_flight.end() || own->state != RunState::waiting) return Turn::gone;
    const auto stands_before = [](const InFlight& other) { return other.state == RunState::waiting; };
    if (std::any_of(in_flight.begin(), own, stands_before)) return Turn::wait;
    const bool runs = std::ranges::find(in_flight, RunState::running, &InFlight::state) != in_flight.end();
    return runs ? Turn::wait : Turn::begin;
}

NodeTurn decide_node(Overlap policy, std::string_view ahead, std::string_view behind) {
    NodeTurn turn;
    if (policy == Overlap::allow || ahead.empty()) return turn;
    const bool newest_only = policy == Overlap::buffer_one || policy == Overlap::cancel_other;
    if (policy == Overlap::skip) {
        turn.kind = NodeTurn::Kind::skip;
        turn.why = fmt::format("run {} has not ended here (overlap: skip)", ahead);
    } else if (newest_only && !behind.empty()) {
        turn.kind = NodeTurn::Kind::skip;
        turn.why = replaced_message(policy, behind);
    } else {
        turn.kind = NodeTurn::Kind::wait;
        turn.cancels = policy == Overlap::cancel_other;
    }
    return turn;
}

std::string_view to_string(Overlap policy) {
    switch (policy) {
    case Overlap::skip: return "skip";
    case Overlap::buffer_one: return "buffer_one";
    case Overlap::buffer_all: return "buffer_all";
    case Overlap::cancel_other: return "cancel_other";
    case Overlap::allow: return "allow";
    }
    return "";
}

std::string_view to_string(OverlapScope scope) { return scope == OverlapScope::job ? "job" : "node"; }

} // namespace loom
