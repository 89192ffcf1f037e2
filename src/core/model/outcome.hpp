#pragma once
#include "core/base/shared_text.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loom {

/// A node's place in a run; everything from `ok` on is terminal.
enum class NodeState : std::uint8_t {
    queued, running,
    ok, changed, failed, unreachable, timed_out, lost, cancelled, skipped, not_started, interrupted,
};
inline constexpr std::size_t node_states = 12;

/// A run's place; everything from `ok` on is terminal. `waiting`: claimed, until the run before it has ended.
enum class RunState : std::uint8_t { waiting, running, ok, failed, cancelled, timed_out, interrupted, skipped, missed };
inline constexpr std::size_t run_states = 9;

/// Why no authenticated session came to be.
enum class Cause : std::uint8_t { none, name, refused, no_route, connect_timeout, handshake, auth, host_key };
/// How far the node got.
enum class Phase : std::uint8_t { none, resolve, connect, handshake, host_key, auth, open, command };

std::string_view to_string(NodeState state);
std::string_view to_string(RunState state);
std::string_view to_string(Cause cause);
std::string_view to_string(Phase phase);
std::optional<NodeState> parse_node_state(std::string_view text);
std::optional<RunState> parse_run_state(std::string_view text);
std::optional<Cause> parse_cause(std::string_view text);
std::optional<Phase> parse_phase(std::string_view text);

constexpr bool terminal(NodeState state) { return state >= NodeState::ok; }
constexpr bool terminal(RunState state) { return state >= RunState::ok; }
constexpr bool succeeded(NodeState state) {
    return state == NodeState::ok || state == NodeState::changed || state == NodeState::skipped;
}

/// What was kept of a stream: at most limits::output_bytes, and how many bytes more there were.
struct Output {
    SharedText text;
    std::uint64_t dropped_bytes = 0;

    friend bool operator==(const Output&, const Output&) = default;
};

/// The result of one node in one run. A value; Errors of the remote side are outcomes, not exceptions.
struct Outcome {
    NodeState state = NodeState::failed;
    Cause cause = Cause::none;
    Phase phase = Phase::none;
    std::optional<int> exit_status;
    std::string exit_signal; ///< without SIG: `TERM`; empty: none
    std::string message;     ///< for people: `connection refused by 10.0.0.7:22`
    std::string survivors;   ///< process ids that outlived the kill, as found on the node
    Output out, err;

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// How many nodes are in each state; the sum always equals the run's targets.
using Counts = std::array<std::uint32_t, node_states>;

/// A run's state when all its nodes are terminal and it was not ended as a whole.
RunState sum_state(const Counts& counts);

} // namespace loom
