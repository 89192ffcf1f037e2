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

} // namespace loom::bench
