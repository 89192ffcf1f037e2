#pragma once
#include "core/model/job.hpp"

#include <optional>

namespace loom {

/// How long to wait before the next connect try, or nothing when there is none: `tries` were made, the last one
/// failed in a way that another may mend (`may_help`). Doubles from backoff_first up to backoff_most; `jitter` in
/// [0, 1) spreads it over the upper half, so that a fleet that was cut off does not return at once. Pure.
std::optional<Milliseconds> next_attempt(const Retry& retry, int tries, bool may_help, double jitter);

} // namespace loom
