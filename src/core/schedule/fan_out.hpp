#pragma once
#include "core/model/fan_out.hpp"
#include "core/model/job.hpp"
#include "core/model/node.hpp"
#include "core/model/outcome.hpp"

#include <span>

namespace loom {

// What a run does next with its targets, as pure functions: the runner only obeys.

/// Where each wave ends in the dial order: ascending, the last one is `targets`. A wave that would add no node is left
/// out. No waves: one of all.
std::vector<std::uint32_t> wave_ends(const std::vector<Amount>& waves, std::size_t targets);

/// Why no further node may be dialled, in words; nothing while the wave keeps within what `stop_when` allows. `wave`
/// counts the wave's nodes that have ended, `nodes` is how many it has, `number` which one it is (from 1) of `waves`.
std::optional<std::string> stop_reason(const StopWhen& stop_when, const Counts& wave, std::size_t nodes,
                                       std::size_t number, std::size_t waves);

/// The places of the targets in the order in which they are dialled. `random` is a permutation that follows from
/// `seed` (the run's id) alone, on every machine. `label` takes the label's values in turns, in natural order, so that
/// neighbours in the order seldom share one; nodes without the label take turns as if theirs were empty.
std::vector<std::uint32_t> dial_order(const DialOrder& order, std::span<const Node* const> nodes, std::string_view seed);

/// How a run ends whose nodes have ended or will not be dialled.
struct EndFacts {
    Counts ended{};                   ///< nodes by terminal state
    std::size_t targets = 0;
    std::optional<RunState> stopped;  ///< cancelled, timed_out or interrupted, when that was asked for
    std::string stop_message;         ///< why, for people
    std::optional<std::string> halted; ///< what `stop_reason` said
    bool run_once = false; ///< the state is that of the one node that was reached
    std::optional<Threshold> success_ok;
};
struct RunEnd {
    RunState state = RunState::ok;
    std::string message;

    friend bool operator==(const RunEnd&, const RunEnd&) = default;
};
/// A stop that came after the last result changes nothing. `stop_when` comes before `success_when`, and that before the
/// rule that every node must succeed. Skipped nodes are no part of the whole that success is measured by.
RunEnd run_end(const EndFacts& facts);
/// The state of a run without a target.
RunState state_of_none(OnEmpty on_empty);

} // namespace loom
