#include "measure/measurements.hpp"
#include "measure/report.hpp"
#include "measure/scheduling.hpp"

#include "app/store/sqlite_store.hpp"
#include "core/schedule/planner.hpp"

#include <filesystem>
#include <malloc.h>
#include <spdlog/fmt/fmt.h>
#include <thread>

namespace loom::bench {
namespace {

constexpr std::size_t files = 10;

double heap_bytes() {
    const auto heap = ::mallinfo2();
    return static_cast<double>(heap.uordblks + heap.hblkhd);
}

void write_configuration(const Folder& folder, const LocalOptions& options) {
    std::string text = fmt::format("nodesfile: {0}/nodes.yaml\nstate_dir: {0}/state\njobspath: {0}/", folder.path());
    folder.write("nodes_only.yaml", text + "none\n");
    folder.write("loom.yaml", text + "jobs\n");
    const auto schedule = quiet_schedule();
    text.clear();
    for (std::size_t i = 0; i < options.nodes; ++i)
        text += fmt::format("n{:05}: {{ip: 10.{}.{}.{}, user: admin}}\n", i + 1, i >> 16, i >> 8 & 255, i & 255);
    folder.write("nodes.yaml", text);
    std::filesystem::create_directories(folder.path() + "/none");
    std::filesystem::create_directories(folder.path() + "/jobs");
    for (std::size_t file = 0; file < files; ++file) {
        text = "jobs:\n";
        for (std::size_t i = file; i < options.jobs; i += files)
            text += fmt::format("  job{:06}: {{command: \"uptime\", targets: n{:05}, schedule: \"{}\"}}\n", i,
                                i % options.nodes + 1, schedule);
        folder.write(fmt::format("jobs/{}.yaml", file), text);
    }
}

} // namespace

void load(const LocalOptions& options) {
    const Folder folder;
    write_configuration(folder, options);
    Runtime runtime;
    const auto milliseconds_since = [](const Stamp& before) { return (now().wall_us - before.wall_us) / 1e3; };
    Report report("load");
    report.set("nodes", static_cast<double>(options.nodes));
    report.set("jobs", static_cast<double>(options.jobs));
    const auto each = static_cast<double>(options.jobs);

    double nodes_bytes = heap_bytes();
    {
        const auto nodes_only = load_sound(folder.path() + "/nodes_only.yaml", runtime.tasks);
        nodes_bytes = heap_bytes() - nodes_bytes;
    }
    const auto empty = heap_bytes();
    auto before = now();
    const auto catalog = load_sound(folder.path() + "/loom.yaml", runtime.tasks);
    if (catalog->jobs.size() != options.jobs || catalog->nodes.size() != options.nodes) give_up("not everything was read");
    const auto load_ms = milliseconds_since(before);
    const auto catalog_bytes = heap_bytes() - empty - nodes_bytes;
    double planner_bytes = 0, plan_ms = 0;
    {
        Planner planner([](const std::string&) { return false; }, "");
        before = now();
        planner.activate(catalog, {}, runtime.clock.now());
        plan_ms = milliseconds_since(before);
        planner_bytes = heap_bytes() - empty - nodes_bytes - catalog_bytes;
    }

    auto ledger = open_sqlite_store(catalog->settings.state_dir, StoreMode::read_write);
    if (!ledger) give_up(ledger.error().message);
    SchedulerStore store(ledger->get(), catalog);
    before = now();
    {
        const Scheduling scheduling(runtime, store, catalog);
        while (store.seen < options.jobs) std::this_thread::sleep_for(std::chrono::milliseconds(5)); // a wait that takes no CPU of what is measured
        report.set("schedule_ms", milliseconds_since(before));
    }
    report.set("load_ms", load_ms);
    report.set("plan_ms", plan_ms);
    report.set("catalog_bytes", catalog_bytes / each);
    report.set("planner_bytes", planner_bytes / each);
    report.set("job_bytes", (catalog_bytes + planner_bytes) / each);
    report.print();
}

} // namespace loom::bench
