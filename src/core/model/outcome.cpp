#include "core/model/outcome.hpp"

#include <algorithm>
#include <span>

namespace loom {
namespace {

constexpr std::string_view node_state_names[] = {"queued",    "running", "ok",        "changed", "failed",      "unreachable",
                                                 "timed_out", "lost",    "cancelled", "skipped", "not_started", "interrupted"};
constexpr std::string_view run_state_names[] = {"waiting",   "running",     "ok",      "failed", "cancelled",
                                                "timed_out", "interrupted", "skipped", "missed"};
constexpr std::string_view cause_names[] = {"",         "name", "refused",  "no_route", "connect_timeout",
                                            "handshake", "auth", "host_key"};
constexpr std::string_view phase_names[] = {"", "resolve", "connect", "handshake", "host_key", "auth", "open", "command"};

template <class E>
std::optional<E> parse(std::span<const std::string_view> names, std::string_view text) {
    const auto found = std::ranges::find(names, text);
    if (found == names.end()) return std::nullopt;
    return static_cast<E>(found - names.begin());
}

} // namespace

std::string_view to_string(NodeState state) { return node_state_names[static_cast<std::size_t>(state)]; }
std::string_view to_string(RunState state) { return run_state_names[static_cast<std::size_t>(state)]; }
std::string_view to_string(Cause cause) { return cause_names[static_cast<std::size_t>(cause)]; }
std::string_view to_string(Phase phase) { return phase_names[static_cast<std::size_t>(phase)]; }
std::optional<NodeState> parse_node_state(std::string_view text) { return parse<NodeState>(node_state_names, text); }
std::optional<RunState> parse_run_state(std::string_view text) { return parse<RunState>(run_state_names, text); }
std::optional<Cause> parse_cause(std::string_view text) { return parse<Cause>(cause_names, text); }
std::optional<Phase> parse_phase(std::string_view text) { return parse<Phase>(phase_names, text); }

RunState sum_state(const Counts& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] > 0 && !succeeded(static_cast<NodeState>(i))) return RunState::failed;
    return RunState::ok;
}

} // namespace loom
