#pragma once
#include "app/cli/context.hpp"
#include "app/http/server_address.hpp"
#include "app/runtime.hpp"

namespace loom {

/// Opens the daemon's door where one answers, else an engine in this process; see Need.
Result<OpenService> open_door(Runtime& runtime, const std::string& config, Need need);

/// The door of a daemon that is named by its address. Nothing is asked of it yet.
OpenService open_remote(ServerAddress server);

/// What `loom doctor` finds.
std::vector<Checkup> examine(Runtime& runtime, const std::string& config);

/// Whether a daemon accepts connections on this socket. Blocks for a moment.
bool answers(const std::string& socket_path);

} // namespace loom
