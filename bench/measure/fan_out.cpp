#include "measure/measurements.hpp"
#include "measure/report.hpp"

namespace loom::bench {
namespace {

void count_states(Report& report, const RunView& run) {
    for (const auto& [state, count] : run.counts) report.set(state, static_cast<double>(count));
}

} // namespace

void fan_out(const FleetOptions& options) {
    Rig rig(options);
    const auto before = now();
    auto run = rig.fire();
    for (std::size_t firing = 1; firing < options.firings; ++firing) run = rig.fire();
    Report report("fan_out");
    report.spent(before, options.count * options.firings);
    report.set("at_once", static_cast<double>(options.at_once));
    count_states(report, run);
    report.print();
}

void warm(const FleetOptions& given) {
    auto options = given;
    options.keep = true;
    Rig rig(options);
    if (not_ok(rig.fire()) > 0) give_up("nodes failed before the measurement began");
    std::size_t failures = 0;
    const auto before = now();
    for (std::size_t round = 0; round < options.rounds; ++round) failures += not_ok(rig.fire());
    Report report("warm");
    report.spent(before, options.count * options.rounds);
    report.set("at_once", static_cast<double>(options.at_once));
    report.set("not_ok", static_cast<double>(failures));
    report.print();
}

} // namespace loom::bench
