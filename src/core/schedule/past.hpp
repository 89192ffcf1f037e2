#pragma once
#include "core/model/catalog.hpp"

namespace loom {

/// Warnings of schedules whose bounds lie behind `now`: they do nothing any more. Pure.
std::vector<Problem> past_bounds(const Catalog& catalog, Instant now);

} // namespace loom
