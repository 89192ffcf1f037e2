#include "measure/measurements.hpp"
#include "measure/report.hpp"

#include <atomic>
#include <chrono>
#include <thread>

namespace loom::bench {

void output(const FleetOptions& options) {
    Rig rig(options);
    std::atomic<bool> over{false};
    std::atomic<long> most{0};
    const auto before = now();
    // The peak of this run alone; the kernel's high-water mark would hold what came before it as well.
    std::thread sampler([&] {
        while (!over) {
            most = std::max(most.load(), now().resident_kb);
            std::this_thread::sleep_for(std::chrono::milliseconds(5)); // often enough for a peak, too seldom to take its CPU
        }
    });
    const auto run = rig.fire();
    Report report("output");
    report.spent(before, options.count);
    over = true;
    sampler.join();
    report.set("not_ok", static_cast<double>(not_ok(run)));
    report.set("growth_kb", static_cast<double>(most - before.resident_kb));
    report.print();
}

} // namespace loom::bench
