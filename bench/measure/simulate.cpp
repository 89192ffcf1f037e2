#include "measure/measurements.hpp"
#include "measure/report.hpp"
#include "measure/scheduling.hpp"

#include "core/schedule/forecast.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom::bench {

/// Jobs that fire hourly on average, in a zone whose clocks change, over ten years, with everything that `loom simulate`
/// sums up.
void simulate(const LocalOptions& options) {
    using namespace std::chrono;
    constexpr const char* texts[] = {"H/30 * * * *", "H * * * *", "H */2 * * *", "H H * * *"}; // 48, 24, 12 and 1 a day
    constexpr std::size_t jobs_of[] = {27, 36, 20, 17};                                        // of 100: 24.2 a day
    const auto zone = find_zone("Europe/Berlin");
    if (!zone) give_up(zone.error().message);
    const auto catalog = std::make_shared<Catalog>();
    const auto count = options.jobs / 100;
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t kind = 0;
        for (auto place = i % 100; place >= jobs_of[kind]; ++kind) place -= jobs_of[kind];
        catalog->jobs.push_back(idle_job(fmt::format("job{:06}", i), texts[kind]));
        catalog->jobs.back().schedule->zone = *zone;
    }
    Simulation simulation;
    simulation.catalog = catalog;
    simulation.from = sys_days(2026y / 1 / 1);
    simulation.to = sys_days(2036y / 1 / 1);
    simulation.lengths.assign(count, minutes(5));

    Forecast forecast(simulation, *zone);
    const auto before = now();
    loom::simulate(simulation, forecast);
    const auto after = now();
    Report report("simulate");
    report.set("jobs", static_cast<double>(count));
    report.set("runs", static_cast<double>(forecast.total().runs));
    report.set("seconds", (after.cpu_us - before.cpu_us) / 1e6);
    report.set("run_ns", (after.cpu_us - before.cpu_us) * 1e3 / static_cast<double>(forecast.total().runs));
    report.print();
}

} // namespace loom::bench
