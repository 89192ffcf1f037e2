#pragma once
#include "core/model/job.hpp"
#include "core/model/outcome.hpp"

namespace loom {

/// A run that has not ended.
struct InFlight {
    std::string id;
    RunState state = RunState::running; ///< or waiting

    friend bool operator==(const InFlight&, const InFlight&) = default;
};

/// What becomes of a run that would begin while others of its job have not ended.
struct OverlapPlan {
    enum class Kind : std::uint8_t { start, wait, skip };
    Kind kind = Kind::start;
    std::string why;                   ///< of a wait or a skip, for its row
    std::vector<std::string> replaced; ///< runs that wait and end, since this one takes their place
    std::vector<std::string> cancelled; ///< runs that go on and are to be cancelled

    friend bool operator==(const OverlapPlan&, const OverlapPlan&) = default;
};

/// What the job says of its runs, and what of each node of them: the one that its scope is about, `allow` of the other.
Overlap overlap_of_runs(const Job& job);
Overlap overlap_of_nodes(const Job& job);

/// `others` are the job's runs that have not ended, oldest first. Pure.
OverlapPlan decide_overlap(Overlap policy, const std::vector<InFlight>& others);

/// How a run ends that another one takes the place of.
RunState replaced_state(Overlap policy);
std::string replaced_message(Overlap policy, std::string_view by);

/// Whether it is the turn of a run that waits: nothing runs, and none that came earlier waits. `gone`: it waits no more,
/// since another run took its place. Pure.
enum class Turn : std::uint8_t { wait, begin, gone };
Turn turn_of(std::string_view run, const std::vector<InFlight>& in_flight);

/// What becomes of a node in a run, where other runs of the job that have not ended have it too.
struct NodeTurn {
    enum class Kind : std::uint8_t { begin, wait, skip };
    Kind kind = Kind::begin;
    bool cancels = false; ///< the run before it, on this node
    std::string why;      ///< of a skip

    friend bool operator==(const NodeTurn&, const NodeTurn&) = default;
};

/// `ahead` was recorded before the run and is not done with the node, `behind` after it; empty: there is none. Pure.
NodeTurn decide_node(Overlap policy, std::string_view ahead, std::string_view behind);

std::string_view to_string(Overlap policy);
std::string_view to_string(OverlapScope scope);

} // namespace loom
