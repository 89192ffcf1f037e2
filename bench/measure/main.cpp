// Measures the real engine: `measure --help` names what it measures. See docs/performance.md.
#include "measure/measurements.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

namespace loom::bench {
namespace {

struct Measurement {
    const char* name;
    const char* what;
    void (*measure)(const FleetOptions&);
};

constexpr Measurement on_a_fleet[] = {
    {"fan_out", "every node: connect, log in, run the command, record, close", fan_out},
    {"warm", "the same job again, ROUNDS times, on sessions that were kept", warm},
    {"hold", "memory while the command (`sleep N`) runs on every node", hold},
    {"idle", "memory and CPU of kept sessions in a minute of rest", idle},
    {"output", "large outputs (`output BYTES`)", output},
    {"faults", "a fan-out to a fleet of which a part misbehaves", faults},
};

struct LocalMeasurement {
    const char* name;
    const char* what;
    void (*measure)(const LocalOptions&);
};

constexpr LocalMeasurement without_a_fleet[] = {
    {"plan", "next fire, a firing among ten times JOBS jobs, their idle minute, and JOBS due in one second", plan},
    {"simulate", "ten years of a hundredth of JOBS that fire hourly on average", simulate},
    {"load", "a configuration of so many nodes and jobs: read, scheduled, and its memory", load},
    {"store", "the ledger: CPU for each node result", store},
};

} // namespace
} // namespace loom::bench

int main(int argc, char** argv) {
    using namespace loom::bench;
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app("Measures the real engine, most of it against the fleet simulator.", "measure");
    app.require_subcommand(1);
    FleetOptions options;
    for (const auto& row : on_a_fleet) {
        auto* const command = app.add_subcommand(row.name, row.what);
        command->add_option("--port", options.port, "The simulator's")->required();
        command->add_option("--host-key", options.host_key, "The simulator's, as `fleet --host-key` prints it")->required();
        command->add_option("--count", options.count, "Nodes")->capture_default_str();
        command->add_option("--at-once", options.at_once, "Nodes in flight")->capture_default_str();
        command->add_option("--firings", options.firings, "Firings of `fan_out`")->capture_default_str();
        command->add_option("--rounds", options.rounds, "Firings of `warm`")->capture_default_str();
        command->add_option("--command", options.command, "What the simulator is told to do")->capture_default_str();
        command->callback([&options, measure = row.measure] { measure(options); });
    }
    LocalOptions local;
    for (const auto& row : without_a_fleet) {
        auto* const command = app.add_subcommand(row.name, row.what);
        command->add_option("--nodes", local.nodes)->capture_default_str();
        command->add_option("--jobs", local.jobs)->capture_default_str();
        command->add_option("--results", local.results)->capture_default_str();
        command->callback([&local, measure = row.measure] { measure(local); });
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        std::cerr << "measure: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
