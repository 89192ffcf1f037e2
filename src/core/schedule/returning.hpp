#pragma once
#include "core/schedule/decide.hpp"

namespace loom {

/// Nodes that the newest run of a job's schedule could not reach, and that no run of the job has reached since.
struct LeftOut {
    std::string run;
    Instant due{};
    std::vector<std::string> nodes; ///< sorted

    friend bool operator==(const LeftOut&, const LeftOut&) = default;
};

/// Whether waiting may mend that the node was not reached: after a refused login each look would be one more of them, and a
/// changed host key is a person's to judge.
bool may_return(NodeState state, Cause cause);

/// Whether a run got as far as the node.
bool was_reached(NodeState state);

/// Until when the job's run of the instant is made up on a node that comes back.
Instant made_up_until(const Job& job, Instant due);

/// Whether a node that is back at `now` gets the run of the instant: not in a pause, not in a blackout. Pure.
bool may_make_up(const Job& job, Instant due, Instant now, const Facts& facts);

/// How long to wait before a node that was not reached is looked for again, after so many looks: one minute to ten. Pure.
Milliseconds look_again_after(int looks);

/// A node that is away, and when it is to be looked for.
struct AwayNode {
    std::string node;
    Instant next{};
};

/// The nodes to look for now, `most` of them: who has waited longest comes first, so that each has its turn however many are away. Pure.
std::vector<std::string> whose_turn(std::vector<AwayNode> waiting, Instant now, std::size_t most);

} // namespace loom
