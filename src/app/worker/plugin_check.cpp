#include "app/worker/plugin_check.hpp"

#include "app/local_engine.hpp"
#include "core/async/block_on.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

/// Workers for the time of a look.
class Lookers {
public:
    Lookers(Runtime& runtime, const Settings& settings) : runtime_(runtime), pool_(create_worker_pool(worker_pool_options(runtime, settings))) {}
    Lookers(const Lookers&) = delete;
    Lookers& operator=(const Lookers&) = delete;
    ~Lookers() { block_on(runtime_.io(), pool_->close()); }

    Result<Found> inspect(const Plugin& plugin, const std::string& task) { return block_on(runtime_.io(), pool_->inspect(plugin, task)); }
    Result<WorkerFacts> look(const Plugin& plugin) { return block_on(runtime_.io(), pool_->look(plugin)); }

private:
    Runtime& runtime_;
    std::unique_ptr<WorkerPool> pool_;
};

std::string words_of(const WorkerFacts& facts) {
    auto words = fmt::format("{}, held by {}", facts.speaks.empty() ? "a worker" : facts.speaks, fmt::join(facts.layers, ", "));
    if (!facts.missing.empty()) words += fmt::format("; without {}", fmt::join(facts.missing, ", "));
    return words;
}

} // namespace

std::vector<Problem> check_plugin_tasks(Runtime& runtime, const Catalog& catalog) {
    std::optional<Lookers> lookers;
    std::map<std::string, Result<Found>> known;
    std::vector<Problem> problems;
    for (const auto& job : catalog.jobs) {
        const auto& task = *job.task;
        const auto plugin = runtime.tasks.plugin_of(task, catalog.settings.plugins);
        if (!plugin || !*plugin) continue;
        const auto key = (*plugin)->name + '\n' + task.name;
        auto found = known.find(key);
        if (found == known.end()) {
            if (!lookers) lookers.emplace(runtime, catalog.settings);
            found = known.emplace(key, lookers->inspect(*plugin, task.name)).first;
        }
        if (found->second) continue;
        // A daemon imports nothing when it loads, so it has the job all the same: it is not quarantined.
        problems.push_back({Problem::Kind::unavailable, job.name, to_string(job.source),
                            fmt::format("task \"{}\": {}", task.name, found->second.error().message)});
    }
    return problems;
}

std::vector<Checkup> examine_plugins(Runtime& runtime, const Catalog& catalog) {
    std::optional<Lookers> lookers;
    std::vector<Checkup> found;
    for (const auto& plugin : catalog.settings.plugins) {
        if (plugin->place.empty() && plugin->code.modules.empty()) continue;
        if (!lookers) lookers.emplace(runtime, catalog.settings);
        const auto facts = lookers->look(plugin);
        found.push_back({"plugin " + plugin->name, facts.has_value(), facts ? words_of(*facts) : facts.error().message});
    }
    return found;
}

} // namespace loom
