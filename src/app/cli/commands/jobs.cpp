#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/times.hpp"
#include "core/base/duration.hpp"

#include <ostream>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

Colour status_colour(const std::string& status) {
    if (status == "quarantined") return Colour::red;
    return status == "unavailable" || status == "paused" ? Colour::yellow : Colour::none;
}

/// What starts it: its schedule, other jobs, webhooks.
std::string started_by(const JobView& job) {
    auto words = job.schedule;
    if (!job.after.empty()) words += (words.empty() ? "after " : ", after ") + job.after;
    if (!job.hooks.empty()) words += (words.empty() ? "hook " : ", hook ") + job.hooks;
    return words;
}

Table table_of(const std::vector<JobView>& jobs, Instant now) {
    Table table({{"JOB", 0, 16}, {"SCHEDULE", 4, 11}, {"NEXT", 1, 6}, {"NODES", 3, 5, true}, {"STATUS", 2, 8},
                 {"LAST", 2, 6}, {"STARTED", 5, 8}, {"TASK", 6, 10}, {"NOTE", 7, 10, false, true}});
    for (const auto& job : jobs)
        table.add({job.name, started_by(job), relative_time(job.next, now), std::to_string(job.nodes),
                   {job.status, status_colour(job.status)}, {job.last_state, state_colour(job.last_state)},
                   relative_time(job.last_started, now), job.task, job.message});
    return table;
}

std::string words_of(const CatchUpView& catch_up) {
    std::string words = catch_up.policy;
    if (catch_up.policy != "skip") words += ", within " + short_duration(Milliseconds(catch_up.window_ms));
    if (catch_up.policy == "all") words += fmt::format(", the newest {}", catch_up.max);
    if (catch_up.nodes) words += fmt::format("; a node that was not reached gets its run when it is back within {}", short_duration(Milliseconds(catch_up.window_ms)));
    return words;
}

std::string words_of(const ExpectView& expect) {
    std::vector<std::string> words;
    if (expect.start_within_ms > 0) words.push_back("begins within " + short_duration(Milliseconds(expect.start_within_ms)));
    if (expect.finish_within_ms > 0) words.push_back("ends within " + short_duration(Milliseconds(expect.finish_within_ms)));
    if (expect.longer_than_usual > 0) words.push_back(fmt::format("takes at most {:g} times as long as usual", expect.longer_than_usual));
    return fmt::format("{}", fmt::join(words, ", "));
}

void print_job(CommandContext& context, const JobView& job, Instant now) {
    auto& out = context.streams.out;
    const auto line = [&](const char* title, const std::string& text) {
        if (!text.empty()) out << title << for_line(text) << '\n';
    };
    const auto time = [&](const std::optional<std::string>& at) {
        return at ? *at + " (" + relative_time(at, now) + ")" : std::string{};
    };
    line("job:         ", job.name);
    line("description: ", job.description);
    line("status:      ", job.message.empty() ? job.status : job.status + ": " + job.message);
    line("task:        ", job.task);
    line("targets:     ", job.targets.empty() ? "" : job.targets + " (" + std::to_string(job.nodes) + ")");
    line("after:       ", job.after);
    line("hooks:       ", job.hooks);
    line("schedule:    ", job.status == "manual" || (job.schedule.empty() && !job.hooks.empty()) ? "none" : job.schedule + (job.tz.empty() ? "" : " " + job.tz));
    line("next:        ", time(job.next));
    line("catch-up:    ", job.catchup ? words_of(*job.catchup) : "");
    line("overlap:     ", job.overlap ? job.overlap->policy + (job.overlap->scope == "node" ? ", on each node" : "") : "");
    line("blackout:    ", job.blackout ? fmt::format("{} ({})", fmt::join(job.blackout->calendars, ", "), job.blackout->policy) : "");
    line("expected:    ", job.expect ? words_of(*job.expect) : "");
    line("last run:    ", job.last_run.empty() ? "" : job.last_run + " " + job.last_state);
    line("started:     ", time(job.last_started));
    line("source:      ", job.source);
    out << std::flush;
}

Result<int> list_jobs(CommandContext& context, Service& service) {
    const auto jobs = context.wait(service.jobs({}));
    if (!jobs) return jobs.error();
    if (context.json) {
        print_json(context, *jobs);
        return 0;
    }
    if (!jobs->items.empty()) print(context, table_of(jobs->items, context.clock.now()));
    // A manifest that cannot be read takes its jobs out of the list: somebody who misses one is told why.
    const auto catalog = context.wait(service.catalog());
    if (!catalog) return catalog.error();
    if (jobs->items.empty()) say_nothing_configured(context, *catalog, "There is no job");
    for (const auto& problem : catalog->problems)
        if (problem.kind == "quarantined" && problem.job.empty()) say(context, problem.place + ": quarantined: " + problem.message);
    say_draining(context, *catalog);
    if (!catalog->last_error.empty()) say(context, "The last good configuration is in use: " + catalog->last_error);
    return 0;
}

Result<int> show_job(CommandContext& context, Service& service, const JobsQuery& query) {
    const auto jobs = context.wait(service.jobs(query));
    if (!jobs) return jobs.error();
    if (context.json) print_json(context, jobs->items.front());
    else print_job(context, jobs->items.front(), context.clock.now());
    return 0;
}

} // namespace

Action jobs_command(CLI::App& app) {
    const auto query = std::make_shared<JobsQuery>();
    auto* show = app.add_subcommand("show", "One job in full");
    show->add_option("JOB", query->name, "The job's name")->required();
    return [query, show](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::read, [&](OpenService& open) {
            return show->parsed() ? show_job(context, *open.service, *query) : list_jobs(context, *open.service);
        });
    };
}

} // namespace loom
