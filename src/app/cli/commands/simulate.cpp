#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/options.hpp"
#include "app/cli/output/heat_map.hpp"
#include "app/cli/simulation_report.hpp"
#include "core/base/limits.hpp"
#include "core/run/queries.hpp"
#include "core/time/wall_time.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// A run's length is the median of so many that the job ended last.
constexpr std::uint32_t runs_compared = 25;

struct SimulateOptions {
    std::vector<std::string> jobs;
    std::uint32_t days = 7;
    int year = 0;
    std::string from, zone, length = "1m", heat_map;
    bool summary = false, fresh = false;
};

/// The named jobs and what they follow, or all, of those that something starts by itself.
Result<CatalogPtr> chosen(const Catalog& all, std::vector<std::string> names) {
    const bool every = names.empty();
    std::set<std::string> wanted;
    while (!names.empty()) {
        const auto name = std::move(names.back());
        names.pop_back();
        const auto* job = all.find_job(name);
        if (!job) return no_job(all, name);
        if (!wanted.insert(name).second) continue;
        for (const auto& after : job->policy->after)
            if (all.find_job(after.job)) names.push_back(after.job); // one that is quarantined never runs
    }
    const auto catalog = std::make_shared<Catalog>();
    catalog->settings = all.settings;
    catalog->nodes = all.nodes;
    for (const auto& job : all.jobs)
        if ((job.schedule || !job.policy->after.empty()) && (every || wanted.contains(job.name))) catalog->jobs.push_back(job);
    return CatalogPtr(catalog);
}

/// The zone that days are told in: that of the jobs, where they share one.
Result<ZonePtr> zone_for(const Catalog& catalog, const std::string& name) {
    if (!name.empty()) {
        auto zone = find_zone(name);
        if (!zone) return usage_error("--tz: " + zone.error().message);
        return zone;
    }
    ZonePtr shared;
    for (const auto& job : catalog.jobs) {
        if (!job.schedule) continue;
        if (shared && shared != job.schedule->zone) return local_zone();
        shared = job.schedule->zone;
    }
    return shared ? shared : local_zone();
}

/// `days` and `year` are counted as clocks in the zone count them.
Result<void> set_time(Simulation& simulation, const SimulateOptions& options, const Zone& zone, Instant now) {
    using namespace std::chrono;
    if (options.year != 0) {
        simulation.from = shown_at(local_days(year(options.year) / 1 / 1), zone).first;
        simulation.to = shown_at(local_days(year(options.year + 1) / 1 / 1), zone).first;
        return {};
    }
    const auto from = options.from.empty() ? Result<Instant>(floor<seconds>(now)) : parse_wall_time(options.from, zone, now);
    if (!from) return usage_error("--from: " + from.error().message);
    simulation.from = *from;
    const auto whole = floor<seconds>(*from);
    const LocalSeconds shown(whole.time_since_epoch() + zone.offset_at(whole));
    simulation.to = shown_at(shown + days(options.days), zone).first;
    return {};
}

/// The median length of the job's newest runs; nothing where none has ended by itself.
std::optional<Milliseconds> past_length(const std::vector<RunView>& runs) {
    std::vector<Milliseconds> lengths;
    for (const auto& run : runs) {
        if (!run.finished || (run.state != "ok" && run.state != "failed" && run.state != "timed_out")) continue;
        const auto started = parse_instant(run.started), finished = parse_instant(*run.finished);
        if (started && finished && *finished >= *started) lengths.push_back(*finished - *started);
    }
    if (lengths.empty()) return std::nullopt;
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
    std::ranges::nth_element(lengths, middle);
    return *middle;
}

/// The pause that keeps the job from starting at `from`; one that began later is none of that time.
std::optional<Pause> pause_at(const JobView& job, Instant from) {
    if (!job.pause) return std::nullopt;
    const auto since = parse_instant(job.pause->since);
    if (!since || std::chrono::floor<std::chrono::seconds>(*since) > from) return std::nullopt;
    Pause pause{job.name, std::min(*since, from), {}, {}, job.pause->reason, job.pause->by};
    if (!job.pause->until) return pause;
    const auto until = parse_instant(*job.pause->until);
    if (!until || *until <= from) return std::nullopt;
    pause.until = *until;
    return pause;
}

/// Adds what the ledger knows of the jobs: how long their runs last, and what already counts; whose lengths it does not know.
Result<std::vector<bool>> add_known(CommandContext& context, Simulation& simulation, Instant now, bool fresh) {
    const bool ahead = simulation.from >= std::chrono::floor<std::chrono::seconds>(now); // what was spent by then is not known
    const auto& catalog = *simulation.catalog;
    std::vector<bool> assumed(catalog.jobs.size(), true);
    auto open = context.open_service(context.config, Need::read);
    if (!open) return open.error();
    const auto known = context.wait(open->service->jobs({}));
    if (!known) return known.error();
    for (const auto& view : known->items) {
        const auto job = std::ranges::lower_bound(catalog.jobs, view.name, {}, &Job::name);
        if (job == catalog.jobs.end() || job->name != view.name) continue;
        const auto place = static_cast<std::size_t>(job - catalog.jobs.begin());
        if (!fresh) {
            if (ahead) simulation.spent[place] = view.spent;
            if (auto pause = pause_at(view, simulation.from)) simulation.pauses.push_back(std::move(*pause));
        }
        if (view.last_run.empty()) continue;
        RunsQuery query;
        query.job = view.name;
        query.limit = runs_compared;
        const auto runs = context.wait(open->service->runs(query));
        if (!runs) return runs.error();
        const auto length = past_length(runs->items);
        if (!length || job->targets->nodes.empty()) continue; // without a node it ends at once
        simulation.lengths[place] = *length;
        assumed[place] = false;
    }
    return assumed;
}

/// With the lengths that are taken where nothing is known.
Simulation simulation_of(CatalogPtr catalog, Milliseconds length) {
    Simulation simulation;
    simulation.spent.assign(catalog->jobs.size(), 0);
    for (const auto& job : catalog->jobs) simulation.lengths.push_back(job.targets->nodes.empty() ? Milliseconds(0) : length);
    simulation.catalog = std::move(catalog);
    return simulation;
}

Result<void> write_picture(const std::string& path, const std::string& picture) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << picture;
    file.close();
    if (!file) return Error{Errc::unavailable, fmt::format("--heat-map: {} could not be written", path)};
    return {};
}

Result<void> simulate_to(CommandContext& context, const SimulateOptions& options) {
    const auto length = parse_duration(options.length);
    if (!length) return usage_error("--duration: " + length.error().message);
    const auto all = context.load_catalog(context.config);
    if (!all) return all.error();
    const auto catalog = chosen(**all, options.jobs);
    if (!catalog) return catalog.error();
    const auto zone = zone_for(**catalog, options.zone);
    if (!zone) return zone.error();

    const auto now = context.clock.now();
    auto simulation = simulation_of(*catalog, *length);
    if (auto set = set_time(simulation, options, **zone, now); !set) return set.error();
    const auto unknown = simulation;
    auto assumed = add_known(context, simulation, now, options.fresh);
    if (!assumed) {
        say(context, "The history could not be read, so every run is taken to last " + short_duration(*length) + ": " + assumed.error().message);
        simulation = unknown;
        assumed = std::vector(simulation.lengths.size(), true);
    }

    SimulationReport report(context, simulation, *zone, *assumed, options.summary);
    simulate(simulation, report);
    report.finish();
    if (options.heat_map.empty()) return {};
    return write_picture(options.heat_map, heat_map(report.forecast()));
}

} // namespace

Action simulate_command(CLI::App& app) {
    const auto options = std::make_shared<SimulateOptions>();
    app.add_option("JOB", options->jobs, "Only these jobs")->type_name("");
    auto* days = app.add_option("--days", options->days, "So many days from --from on; 7 if nothing is said")->type_name("N");
    days->check(number_between(1, limits::simulated_days));
    auto* year = app.add_option("--year", options->year, "That whole year")->type_name("YEAR")->check(number_between(1970, 2199));
    auto* from = app.add_option("--from", options->from, "Begin then, as in 2027-03-27 or 2027-03-27T12:00Z; otherwise now")->type_name("TIME");
    year->excludes(days)->excludes(from);
    app.add_option("--tz", options->zone, "The zone that days are told in; otherwise the jobs' own, where they share one")->type_name("ZONE");
    app.add_option("--duration", options->length, "How long a run lasts of a job that has not run yet; 1m if nothing is said")->type_name("TIME");
    app.add_option("--heat-map", options->heat_map, "Draw days by hours as an SVG picture, too")->type_name("FILE");
    app.add_flag("--fresh", options->fresh, "Begin with no pause, and with nothing of any schedule's count spent");
    app.add_flag("--summary", options->summary, "Only what it comes to, not the runs");
    return [options](CommandContext& context, const std::vector<std::string>&) {
        const auto done = simulate_to(context, *options);
        return done ? 0 : fail(context, done.error());
    };
}

} // namespace loom
