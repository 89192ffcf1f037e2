#pragma once
#include "core/model/plugin.hpp"

#include <optional>
#include <sys/types.h>

namespace loom {

/// What a process has taken so far.
struct Growth {
    std::uint64_t resident_bytes = 0;
    Milliseconds cpu{0};
};

/// As /proc shows it; nothing where it does not.
std::optional<Growth> growth_of(pid_t pid);

/// How many processes the process has started that still are, and these, and so on.
std::size_t processes_below(pid_t pid);

/// Whether a worker makes room for a new one before a limit ends it within a call.
bool worn(const Growth& growth, const PluginLimits& limits);

} // namespace loom
