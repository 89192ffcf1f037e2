#pragma once
#include "core/schedule/forecast.hpp"

#include <string>

namespace loom {

/// The forecast's hours as an SVG picture: a column for each day (or some days, when they are very many), a row for
/// each hour, the deeper the more node-runs start in it. Follows the viewer's light or dark scheme. Pure.
std::string heat_map(const Forecast& forecast);

} // namespace loom
