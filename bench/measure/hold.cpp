#include "measure/measurements.hpp"
#include "measure/report.hpp"

#include <chrono>
#include <optional>
#include <thread>

namespace loom::bench {

void hold(const FleetOptions& given) {
    auto options = given;
    options.at_once = options.count;
    Rig rig(options);
    const auto before = now();
    // The first command to end shows that none has ended before: every node holds its session and its command. The
    // command sleeps for longer than all the logins take; the simulator's counters, and `not_ok`, tell if it did not.
    std::optional<Stamp> all_open;
    const auto run = rig.fire([&](const Event& event) {
        if (event.type == "node.finished" && !all_open) all_open = now();
    });
    Report report("hold");
    report.spent(before, options.count);
    report.set("not_ok", static_cast<double>(not_ok(run)));
    const auto held = all_open.value_or(before);
    report.set("resident_kb", static_cast<double>(held.resident_kb));
    report.set("node_kb", static_cast<double>(held.resident_kb - before.resident_kb) / static_cast<double>(options.count));
    report.print();
}

void idle(const FleetOptions& given) {
    auto options = given;
    options.keep = true;
    options.ssh_config = "ServerAliveInterval 30\n";
    Rig rig(options);
    const auto empty = now();
    const auto failures = not_ok(rig.fire());
    constexpr std::chrono::seconds time{60};
    std::this_thread::sleep_for(std::chrono::seconds(2)); // the spare channels are opened meanwhile
    const auto before = now();
    std::this_thread::sleep_for(time); // what is measured is that nothing is done
    const auto after = now();
    Report report("idle");
    report.set("not_ok", static_cast<double>(failures));
    report.set("session_kb", static_cast<double>(after.resident_kb - empty.resident_kb) / static_cast<double>(options.count));
    report.set("cpu_percent", (after.cpu_us - before.cpu_us) / (after.wall_us - before.wall_us) * 100);
    report.print();
}

} // namespace loom::bench
