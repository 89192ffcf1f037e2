#pragma once
#include <string_view>

namespace loom {

/// What this program is called when it starts workers: the daemon runs itself once more under this name.
inline constexpr std::string_view launcher_name = "loom-worker";

/// The life of a launcher. Descriptor 3 is the worker's channel, on which it first reads what to do (LaunchOrder); 0 to 2 are the
/// worker's. It takes the worker's rights away (docs/plugins.md, "What keeps a worker in"), tells `{"type":"sandbox", "layers":
/// […], "missing": […], "pid": N}` or `{"type":"refused", "message": …}`, and becomes a worker's parent: it ends all that the
/// worker leaves behind when it has ended, when it is told to by SIGUSR1, and when the daemon is gone. Returns the worker's
/// exit status, 128 and the number for a signal.
int launch_worker();

} // namespace loom
