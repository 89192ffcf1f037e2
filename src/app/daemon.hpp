#pragma once
#include "app/runtime.hpp"
#include "core/base/error.hpp"

namespace loom {

/// `loom serve`: reads the configuration, settles what a crash left, listens, fires due jobs and reloads on change,
/// until SIGTERM or SIGINT; then takes no new work, ends what runs and records it. Returns the exit code.
int serve(Runtime& runtime, const std::string& config);

} // namespace loom
