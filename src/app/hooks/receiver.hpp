#pragma once
#include "app/http/plain_route.hpp"
#include "app/metrics/tally.hpp"
#include "core/run/engine.hpp"

namespace loom {

inline constexpr std::string_view hooks_root = "/hooks/";

/// `POST /hooks/NAME`: 202 with the run's id while the run goes on, 200 with the same for a delivery that came before and for one that the
/// filter leaves out, 401, 404, 409, 422, 503. Who sends needs no token: the hook's secret is the right. `tally` counts by the
/// hook and what came of it: started, duplicate, skipped, left_out, refused, denied, failed. The parameters outlive it.
PlainRoute hook_route(Engine& engine, const Clock& clock, Tally& tally);

} // namespace loom
