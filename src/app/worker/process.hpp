#pragma once
#include "app/worker/frames.hpp"

#include <string>
#include <sys/types.h>

namespace loom {

/// A started launcher, and the daemon's ends of what leads to it.
struct WorkerProcess {
    pid_t pid = -1;    ///< of the launcher, which leads the process group
    Descriptor ended;  ///< a pidfd, readable once the launcher has ended
    Descriptor channel, out, err;
};

/// Starts `program` (the daemon itself: /proc/self/exe) as a launcher: no environment, no input, descriptors 0 to 3 alone. Its end
/// follows the end of the calling thread (PR_SET_PDEATHSIG): call it on one that lasts as long as the process. Blocks.
Result<WorkerProcess> start_launcher(const std::string& program);

/// What the launcher of a pidfd ended with; reaps it. Nothing: it has not ended.
std::optional<int> reap(int pidfd);

} // namespace loom
