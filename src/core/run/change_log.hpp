#pragma once
#include "core/base/error.hpp"
#include "core/model/run.hpp"

#include <cstdint>
#include <vector>

namespace loom {

/// One change of a run's state. Numbers ascend in the order of the commits, and are never used again.
struct StateChange {
    std::uint64_t number = 0;
    RunState state = RunState::running; ///< from then on
    Run run;                            ///< as it is now; its counts only once it has ended
};

struct ChangePage {
    std::vector<StateChange> items;
    std::uint64_t newest = 0; ///< number; 0: there is none
    bool lost = false;        ///< changes that were asked for are not kept any more
};

/// Port: what became of all runs, in order. Called from one thread at a time; blocks on the disk.
class ChangeLog {
public:
    virtual ~ChangeLog() = default;
    /// Those after a number, the oldest first, at most so many.
    virtual Result<ChangePage> after(std::uint64_t number, std::size_t most) = 0;
};

} // namespace loom
