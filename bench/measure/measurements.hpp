#pragma once
#include "measure/rig.hpp"

namespace loom::bench {

/// Each prints one Report; the definitions of the goals that they serve are in docs/performance.md.
void fan_out(const FleetOptions& options); ///< P1-P4, P12, P19: connect, log in, run, record, close
void warm(const FleetOptions& options);    ///< P5-P8: the same job again on kept sessions
void hold(const FleetOptions& options);    ///< P9: memory while the command runs on every node
void idle(const FleetOptions& options);    ///< P10: memory and CPU of kept sessions that do nothing
void output(const FleetOptions& options);  ///< P17: large outputs
void faults(const FleetOptions& options);  ///< P12: hanging, refusing and dropping nodes beside healthy ones

/// What the measurements without a fleet are told on the command line.
struct LocalOptions {
    std::size_t nodes = 10'000;
    std::size_t jobs = 100'000;   ///< of `load`; `plan` has ten times as many
    std::size_t results = 20'000; ///< of `store`, rounded to runs of 1000 nodes
};
void plan(const LocalOptions& options);  ///< P13-P15: next fire, a firing among all jobs, idleness, all jobs due at once
void simulate(const LocalOptions& options); ///< ten years of a hundredth of JOBS, hourly on average
void load(const LocalOptions& options);  ///< P16: a large configuration, read and scheduled
void store(const LocalOptions& options); ///< P18: the ledger

} // namespace loom::bench
