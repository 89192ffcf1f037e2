#include "app/cli/simulation_report.hpp"

#include "app/cli/answer.hpp"
#include "core/base/counted.hpp"
#include "core/run/to_views.hpp"
#include "core/schedule/after.hpp"
#include "core/schedule/overlap.hpp"
#include "core/schedule/planner.hpp"

#include <algorithm>
#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

/// What a person reads; the rest is counted.
constexpr std::size_t rows_shown = 40;
constexpr std::size_t names_shown = 5;

std::string_view word(Decision::Kind kind) {
    switch (kind) {
    case Decision::Kind::nothing:
    case Decision::Kind::hold: break;
    case Decision::Kind::fire: return "run";
    case Decision::Kind::skip: return "skipped";
    case Decision::Kind::missed: return "missed";
    }
    return "";
}

/// `2026-11-30 02:00`, with seconds where there are some; the first line says the zone.
std::string brief(const std::optional<Instant>& at, const Zone& zone) {
    if (!at) return "";
    auto text = wall_time(std::chrono::floor<std::chrono::seconds>(*at), zone).substr(0, 19);
    text[10] = ' ';
    return text.ends_with(":00") ? text.substr(0, 16) : text;
}

boost::json::value rfc3339(const std::optional<Instant>& at) {
    if (!at) return nullptr;
    return boost::json::string(to_rfc3339(*at));
}

boost::json::object peak(const Forecast::Peak& peak) {
    return {{"count", peak.count}, {"at", peak.count == 0 ? boost::json::value() : rfc3339(peak.at)}};
}

} // namespace

SimulationReport::SimulationReport(CommandContext& context, const Simulation& simulation, ZonePtr zone,
                                   std::vector<bool> assumed, bool summary)
    : context_(context), simulation_(simulation), forecast_(simulation, std::move(zone)), assumed_(std::move(assumed)),
      summary_only_(summary) {
    const PauseTable pauses(simulation.pauses);
    for (const auto& job : simulation.catalog->jobs) paused_.push_back(pauses.of(job.name) != nullptr);
    if (context_.json) context_.streams.out << (summary ? "{" : "{\"items\":[");
}

void SimulationReport::add(Rows& rows, const Row& row) const {
    ++rows.count;
    if (rows.first.size() < rows_shown) rows.first.push_back(row);
}

void SimulationReport::put_item(const boost::json::object& item) {
    context_.streams.out << (all_.count++ == 0 ? "\n" : ",\n") << boost::json::serialize(item);
}

void SimulationReport::decided(const Job& job, const Decision& decision, Instant at) {
    forecast_.decided(job, decision, at);
    if (summary_only_ || decision.kind == Decision::Kind::nothing) return;
    const bool runs = decision.kind == Decision::Kind::fire;
    if (context_.json) {
        boost::json::object item{{"what", word(decision.kind)},
                                 {"job", job.name},
                                 {"due", to_rfc3339(decision.due)},
                                 {"local", wall_time(decision.due, zone_of(job))},
                                 {"at", to_rfc3339(at)}};
        if (runs) {
            item["reason"] = to_string(decision.reason);
            item["nodes"] = reached_nodes(job);
            item["takes_ms"] = length_of(job).count();
        } else {
            item["why"] = decision.why;
        }
        put_item(item);
        return;
    }
    // Most of very many runs are only counted.
    if (runs && all_.first.size() == rows_shown) {
        ++all_.count;
        return;
    }
    Row row{decision.due, job.name, std::string(word(decision.kind)), decision.why};
    if (runs) {
        row.about = fmt::format("on {}, {}", counted(reached_nodes(job), "node"), short_duration(length_of(job)));
        if (decision.reason == Reason::after) row.about += ", after " + after_text(job);
        if (at != decision.due) row.about += fmt::format(", begins {} later", short_duration(at - decision.due));
    }
    add(all_, row);
    if (!runs) add(odd_, row);
}

void SimulationReport::clocks_changed(const Job& job, const ClockChange& change) {
    forecast_.clocks_changed(job, change);
    if (summary_only_) return;
    const auto& zone = *job.schedule->zone;
    if (context_.json) {
        boost::json::array runs;
        for (const auto at : change.runs) runs.emplace_back(to_rfc3339(at));
        put_item({{"what", "clocks"},
                  {"job", job.name},
                  {"at", to_rfc3339(change.begin)},
                  {"change", change.kind == ClockChange::Kind::gap ? "gap" : "fold"},
                  {"times", change.count},
                  {"due", std::move(runs)},
                  {"why", to_words(change, zone)}});
        return;
    }
    const bool same = job.schedule->zone == forecast_.zone();
    const Row row{change.begin, job.name, "clocks", to_words(change, zone, same ? Told::time_alone : Told::whole)};
    add(all_, row);
    add(odd_, row);
}

void SimulationReport::print_rows() const {
    const bool few = all_.count <= rows_shown;
    const auto& rows = few ? all_ : odd_;
    if (rows.count == 0) return;
    Table table({{"DUE", 0, 16}, {"JOB", 1, 12}, {"WHAT", 0, 7}, {"", 2, 20}});
    for (const auto& row : rows.first)
        table.add({brief(row.at, *forecast_.zone()), row.job, {row.what, row.what == "run" ? Colour::green : Colour::yellow}, row.about});
    print(context_, table);
    if (rows.count > rows.first.size())
        context_.streams.out << "and " << rows.count - rows.first.size() << " more like these (-o json has all)\n";
    context_.streams.out << '\n';
}

void SimulationReport::print_jobs() const {
    const auto total = forecast_.total();
    std::vector<Column> columns{{"JOB", 0, 16}, {"RUNS", 0, 4, true}, {"SKIPPED", 0, 7, true}};
    if (total.missed > 0) columns.push_back({"MISSED", 0, 6, true});
    if (total.clock_changes > 0) columns.push_back({"CLOCKS", 2, 6, true});
    columns.insert(columns.end(), {{"FIRST", 2, 16}, {"LAST", 3, 16}, {"NODES", 4, 5, true}, {"TAKES", 1, 5}});
    Table table(columns);
    for (std::size_t i = 0; i < simulation_.catalog->jobs.size(); ++i) {
        const auto& job = simulation_.catalog->jobs[i];
        const auto& sum = forecast_.jobs()[i];
        std::vector<Cell> row{job.name, std::to_string(sum.runs), {std::to_string(sum.skipped), sum.skipped > 0 ? Colour::yellow : Colour::none}};
        if (total.missed > 0) row.emplace_back(std::to_string(sum.missed));
        if (total.clock_changes > 0) row.emplace_back(std::to_string(sum.clock_changes));
        row.emplace_back(brief(sum.first, *forecast_.zone()));
        row.emplace_back(brief(sum.last, *forecast_.zone()));
        row.emplace_back(std::to_string(reached_nodes(job)));
        row.emplace_back((assumed_[i] ? "~" : "") + short_duration(simulation_.lengths[i]));
        table.add(std::move(row));
    }
    print(context_, table);
}

void SimulationReport::print_load() const {
    auto& out = context_.streams.out;
    const auto& zone = *forecast_.zone();
    const auto line = [&](const char* title, const Forecast::Peak& peak, std::string_view noun, const char* what) {
        if (peak.count > 0) out << fmt::format("{}{}{}, {}\n", title, counted(peak.count, noun), what, brief(peak.at, zone));
    };
    out << fmt::format("\nload:           {}, {}\n", counted(forecast_.total().runs, "run"), counted(forecast_.node_runs(), "node-run"));
    line("busiest minute: ", forecast_.busiest_minute(), "run", forecast_.busiest_minute().count == 1 ? " begins" : " begin");
    line("runs at once:   ", forecast_.most_runs(), "run", "");
    line("nodes at once:  ", forecast_.most_nodes(), "node", "");
    out << std::flush;
}

boost::json::object SimulationReport::summary() const {
    boost::json::array jobs;
    for (std::size_t i = 0; i < simulation_.catalog->jobs.size(); ++i) {
        const auto& job = simulation_.catalog->jobs[i];
        const auto& sum = forecast_.jobs()[i];
        jobs.push_back({{"job", job.name},
                        {"runs", sum.runs},
                        {"skipped", sum.skipped},
                        {"missed", sum.missed},
                        {"clock_changes", sum.clock_changes},
                        {"first", rfc3339(sum.first)},
                        {"last", rfc3339(sum.last)},
                        {"nodes", reached_nodes(job)},
                        {"paused", bool(paused_[i])},
                        {"spent", simulation_.spent_by(i)},
                        {"takes_ms", simulation_.lengths[i].count()},
                        {"assumed", bool(assumed_[i])}});
    }
    return {{"from", to_rfc3339(simulation_.from)},
            {"to", to_rfc3339(simulation_.to)},
            {"tz", forecast_.zone()->name()},
            {"jobs", std::move(jobs)},
            {"runs", forecast_.total().runs},
            {"node_runs", forecast_.node_runs()},
            {"busiest_minute", peak(forecast_.busiest_minute())},
            {"runs_at_once", peak(forecast_.most_runs())},
            {"nodes_at_once", peak(forecast_.most_nodes())}};
}

void SimulationReport::finish() {
    auto& out = context_.streams.out;
    if (context_.json) {
        out << (summary_only_ ? "" : "\n],") << "\"summary\":" << boost::json::serialize(summary()) << "}\n" << std::flush;
        return;
    }
    const auto& zone = *forecast_.zone();
    out << fmt::format("From {} to {} in {}; nothing is started.\n\n", brief(simulation_.from, zone), brief(simulation_.to, zone), zone.name());
    if (simulation_.catalog->jobs.empty()) {
        out << "No job has a schedule.\n" << std::flush;
        return;
    }
    if (!summary_only_) print_rows();
    print_jobs();
    print_load();
    if (std::ranges::find(assumed_, true) != assumed_.end())
        say(context_, "~ a job that has not run yet is taken to last as long as --duration says");
    say_what_counted();
}

/// What the ledger brought in, and what a simulation cannot know.
void SimulationReport::say_what_counted() const {
    std::vector<std::string_view> paused, counted, by_node;
    for (std::size_t i = 0; i < simulation_.catalog->jobs.size(); ++i) {
        const auto& job = simulation_.catalog->jobs[i];
        if (paused_[i]) paused.push_back(job.name);
        if (simulation_.spent_by(i) > 0) counted.push_back(job.name);
        if (overlap_of_nodes(job) != Overlap::allow) by_node.push_back(job.name);
    }
    const auto tell = [&](const char* what, const std::vector<std::string_view>& jobs) {
        if (jobs.empty()) return;
        const auto shown = std::min(jobs.size(), names_shown);
        say(context_, fmt::format("{}: {}{}", what, fmt::join(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                                  shown < jobs.size() ? fmt::format(" and {} more", jobs.size() - shown) : ""));
    };
    tell("paused, which counts unless --fresh is given", paused);
    tell("runs of `count` that were started before count too, unless --fresh is given", counted);
    tell("overlap of each node is not foretold, every run begins", by_node);
}

} // namespace loom
