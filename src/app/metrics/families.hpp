#pragma once
#include "app/metrics/process.hpp"
#include "app/metrics/tally.hpp"
#include "core/model/catalog.hpp"
#include "core/run/measures.hpp"
#include "core/run/outbox.hpp"

#include <prometheus/metric_family.h>
#include <vector>

namespace loom {

/// All that one scrape tells.
struct Measured {
    EngineMeasures engine;
    ProcessMeasures process;
    OutboxCounts outbox;
    Tally::Counts hooks, notifications; ///< by hook or rule, and outcome
};

/// The metrics in their order. No metric has a series for each node; those of jobs are bounded by limits::measured_jobs. Pure.
std::vector<prometheus::MetricFamily> metric_families(const Catalog& catalog, const Measured& measured);

} // namespace loom
