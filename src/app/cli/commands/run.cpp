#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/start_run.hpp"

namespace loom {
namespace {

struct RunOptions {
    StartJob request;
    RunFlags flags;
};

/// A person may run a paused job all the same; whether that was meant is theirs to say.
void tell_of_pause(CommandContext& context, Service& service, const std::string& job) {
    JobsQuery query;
    query.name = job;
    const auto jobs = context.wait(service.jobs(query));
    if (!jobs || jobs->items.empty() || !jobs->items.front().pause) return;
    say(context, job + " is paused, and runs this once by hand: " + for_line(jobs->items.front().message));
}

} // namespace

Action run_command(CLI::App& app) {
    const auto options = std::make_shared<RunOptions>();
    auto& request = options->request;
    app.add_option("JOB", request.job, "The job's name")->required();
    app.add_option("--limit", request.limit, "Of the job's targets only these nodes")->type_name("NODESET");
    add_parallel(app, request.parallel, request.parallel_auto);
    add_password_flag(app, options->flags);
    add_check_flag(app, request.check);
    add_run_flags(app, options->flags);
    return [options](CommandContext& context, const std::vector<std::string>&) {
        auto asked = options->request;
        if (auto given = ask_become_password(options->flags, asked.become_password); !given)
            return fail(context, given.error());
        return start_run<&Service::start_job, &Service::plan_job>(context, options->flags, std::move(asked),
                                                                   [&](Service& service) { tell_of_pause(context, service, options->request.job); });
    };
}

} // namespace loom
