#pragma once
#include <cstdint>

namespace loom {

/// This process, as /proc has it (proc(5)); what cannot be read is 0.
struct ProcessMeasures {
    double cpu_seconds = 0, start_seconds = 0; ///< since 1970
    double resident_bytes = 0;
    double open_fds = 0, max_fds = 0;
};

/// Reads files: blocks.
ProcessMeasures measure_process();

} // namespace loom
