#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/times.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::string paused_name(const PauseView& pause) { return pause.job.empty() ? "Every job" : pause.job; }

std::string pause_words(const PauseView& pause) {
    return fmt::format("{} is paused {}by {}: {}", paused_name(pause), pause.until ? "until " + *pause.until + " " : "", pause.by,
                       for_line(pause.reason));
}

/// What goes on now, and when: a node that is owed a run gets it as soon as it is reached, whatever the schedule says.
std::string resume_words(CommandContext& context, OpenService& open, const PauseView& pause) {
    const std::string once = open.daemon ? "" : "Once a daemon runs, ";
    if (pause.job.empty())
        return once + (once.empty() ? "Every" : "every") + " job goes on, but for those that are paused by name; nodes that are owed a run (catchup: nodes) get it "
                                                         "as soon as they are reached";
    JobsQuery query;
    query.name = pause.job;
    const auto jobs = context.wait(open.service->jobs(query));
    auto words = once + pause.job + " goes on";
    if (!jobs || jobs->items.empty()) return words;
    const auto& job = jobs->items.front();
    if (job.pause) return fmt::format("{} goes on when the other pause has ended: {}", pause.job, for_line(job.message));
    if (job.next) words += fmt::format("; next: {} ({})", *job.next, relative_time(job.next, context.clock.now()));
    if (!job.after.empty()) words += "; it follows " + for_line(job.after);
    if (job.catchup && job.catchup->nodes) words += "; nodes that are owed a run get it as soon as they are reached";
    return words;
}

} // namespace

Action pause_command(CLI::App& app) {
    const auto request = std::make_shared<PauseJob>();
    app.add_option("JOB", request->job, "The job's name");
    app.add_flag("--all", request->all, "Every job, also those that come later");
    app.add_option("--reason", request->reason, "Why, for those who wonder")->required()->type_name("TEXT");
    app.add_option("--until", request->until, "Ends by itself: after a duration as 2h, or at a time as 18:00 or 2026-01-31T08:00 on the job's clocks (with --all: this machine's)")->type_name("TIME");
    return [request](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::write, [&](OpenService& open) -> Result<int> {
            const auto pause = context.wait(open.service->pause(Caller(context.caller), *request));
            if (!pause) return pause.error();
            if (context.json) print_json(context, *pause);
            else say_prose(context, pause_words(*pause));
            return 0;
        });
    };
}

Action resume_command(CLI::App& app) {
    const auto request = std::make_shared<ResumeJob>();
    app.add_option("JOB", request->job, "The job's name");
    app.add_flag("--all", request->all, "End the pause of every job; a job that was paused by its name stays so");
    return [request](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::write, [&](OpenService& open) -> Result<int> {
            const auto pause = context.wait(open.service->resume(Caller(context.caller), *request));
            if (!pause) return pause.error();
            if (context.json) print_json(context, *pause);
            else say_prose(context, resume_words(context, open, *pause));
            return 0;
        });
    };
}

} // namespace loom
