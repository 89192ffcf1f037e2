#pragma once
#include "app/worker/launch_order.hpp"

namespace loom {

/// Where a worker finds what is its own.
struct OwnPlace {
    std::string temp;   ///< its temporary folder, and its home
    std::string python; ///< a copy of share/python; empty where it is not wanted
};

/// What a sandboxed worker may read of this system, whoever it works for: programs, libraries, and the few files of /etc that
/// programs ask for. With `network` also who this host knows by name.
std::vector<std::string> system_files(bool network);
/// Files to read and to write.
std::vector<std::string> device_files();

/// Whether namespaces can be entered and mounts be made in them: tried by a child, since there is no way back. Some systems allow the
/// first and refuse the second.
bool namespaces_work(const LaunchOrder& order);

/// Takes this process, and all that it starts, into namespaces of its own: processes, mounts, IPC, host name, and the network
/// unless the order has it; an ordinary user's in a user namespace, as who is outside.
Result<void> enter_namespaces(const LaunchOrder& order);

/// In namespaces of its own: takes everything away from this process's sight but what the order lets it read, at the paths
/// it has outside, read-only; adds an empty temporary folder in memory that belongs to the user.
Result<OwnPlace> build_view(const LaunchOrder& order, unsigned uid);

/// Without namespaces: a folder below /tmp that belongs to the user.
Result<OwnPlace> make_place(const LaunchOrder& order, unsigned uid);

} // namespace loom
