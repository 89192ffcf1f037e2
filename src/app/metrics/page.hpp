#pragma once
#include "app/http/plain_route.hpp"
#include "app/metrics/families.hpp"
#include "core/run/engine.hpp"

#include <functional>

namespace loom {

/// What one scrape reads beside the engine; each may be empty. Any thread, without waiting.
struct MetricSources {
    std::function<Tally::Counts()> hooks, notifications;
    std::function<OutboxCounts()> outbox;
};

/// `GET /metrics` in Prometheus' text format 0.0.4, for the scope read over every job and node. `engine` and what the sources read
/// outlive it.
PlainRoute metrics_route(Engine& engine, const Executor& blocking, MetricSources sources);

} // namespace loom
