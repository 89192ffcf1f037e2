#include "core/schedule/fan_out.hpp"

#include "core/base/stable_hash.hpp"
#include "core/model/nodeset.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::size_t of(const Counts& counts, NodeState state) { return counts[static_cast<std::size_t>(state)]; }

/// splitmix64 (Steele, Lea, Flood 2014): the same numbers with every compiler, which std::shuffle does not promise.
std::uint64_t next_random(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15;
    auto z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void shuffle(std::vector<std::uint32_t>& places, std::string_view seed) {
    auto state = stable_hash(seed);
    for (std::size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[next_random(state) % i]);
}

struct Natural {
    bool operator()(const std::string& a, const std::string& b) const { return natural_less(a, b); }
};

std::vector<std::uint32_t> by_turns(const std::string& label, std::span<const Node* const> nodes) {
    std::map<std::string, std::vector<std::uint32_t>, Natural> values;
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
        const auto value = nodes[i]->labels.find(label);
        values[value == nodes[i]->labels.end() ? std::string{} : value->second].push_back(i);
    }
    std::vector<std::vector<std::uint32_t>> waiting; // those whose turn may still come
    for (auto& [value, members] : values) waiting.push_back(std::move(members));
    std::vector<std::uint32_t> places;
    places.reserve(nodes.size());
    for (std::size_t turn = 0; !waiting.empty(); ++turn) {
        for (const auto& members : waiting) places.push_back(members[turn]);
        std::erase_if(waiting, [&](const auto& members) { return members.size() == turn + 1; });
    }
    return places;
}

std::optional<NodeState> ended_by(RunState stopped) {
    switch (stopped) {
    case RunState::cancelled: return NodeState::cancelled;
    case RunState::timed_out: return NodeState::timed_out;
    case RunState::interrupted: return NodeState::interrupted;
    default: return std::nullopt;
    }
}

/// Whether the stop ended any node, or kept one from being dialled that no rule had given up before.
bool stop_took_effect(const EndFacts& facts, std::size_t ended) {
    if (!facts.stopped) return false;
    const auto state = ended_by(*facts.stopped);
    return (ended < facts.targets && !facts.halted) || (state && of(facts.ended, *state) > 0);
}

} // namespace

std::vector<std::uint32_t> wave_ends(const std::vector<Amount>& waves, std::size_t targets) {
    std::vector<std::uint32_t> ends;
    for (const auto& wave : waves) {
        const auto end = static_cast<std::uint32_t>(nodes_of(wave, targets));
        if (end > (ends.empty() ? 0 : ends.back())) ends.push_back(end);
    }
    if (targets > (ends.empty() ? 0 : ends.back())) ends.push_back(static_cast<std::uint32_t>(targets));
    return ends;
}

std::optional<std::string> stop_reason(const StopWhen& stop_when, const Counts& wave, std::size_t nodes,
                                       std::size_t number, std::size_t waves) {
    const auto where = [&] { // for the one node of a run that ends it
        return waves > 1 ? fmt::format("wave {}'s {} nodes", number, nodes) : fmt::format("{} nodes", nodes);
    };
    const auto failed = of(wave, NodeState::failed) + of(wave, NodeState::timed_out) + of(wave, NodeState::lost);
    if (stop_when.failed && passes(*stop_when.failed, failed, nodes))
        return fmt::format("stop_when: {} of {} failed ({})", failed, where(), stop_when.failed->text);
    const auto unreachable = of(wave, NodeState::unreachable);
    if (stop_when.unreachable && passes(*stop_when.unreachable, unreachable, nodes))
        return fmt::format("stop_when: {} of {} unreachable ({})", unreachable, where(), stop_when.unreachable->text);
    return std::nullopt;
}

std::vector<std::uint32_t> dial_order(const DialOrder& order, std::span<const Node* const> nodes, std::string_view seed) {
    if (order.kind == DialOrder::Kind::label) return by_turns(order.label, nodes);
    std::vector<std::uint32_t> places(nodes.size());
    std::iota(places.begin(), places.end(), 0u);
    if (order.kind == DialOrder::Kind::random) shuffle(places, seed);
    return places;
}

RunEnd run_end(const EndFacts& facts) {
    const auto ended = std::accumulate(facts.ended.begin(), facts.ended.end(), std::size_t{0});
    if (stop_took_effect(facts, ended)) return {*facts.stopped, facts.stop_message};
    if (facts.halted) return {RunState::failed, *facts.halted};
    const auto ok = of(facts.ended, NodeState::ok) + of(facts.ended, NodeState::changed);
    if (facts.run_once) return {ok > 0 ? RunState::ok : RunState::failed, {}};
    if (!facts.success_ok) return {ended < facts.targets ? RunState::failed : sum_state(facts.ended), {}};
    const auto whole = facts.targets - of(facts.ended, NodeState::skipped);
    if (!passes(*facts.success_ok, ok, whole))
        return {RunState::failed, fmt::format("success_when: {} of {} nodes are ok, not {}", ok, whole, facts.success_ok->text)};
    if (ok == whole) return {RunState::ok, {}};
    return {RunState::ok, fmt::format("success_when: {} of {} nodes are ok ({})", ok, whole, facts.success_ok->text)};
}

RunState state_of_none(OnEmpty on_empty) {
    constexpr RunState states[] = {RunState::failed, RunState::skipped, RunState::ok};
    return states[static_cast<std::size_t>(on_empty)];
}

} // namespace loom
