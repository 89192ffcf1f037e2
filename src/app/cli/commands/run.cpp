#include "app/cli/command_table.hpp"
#include "app/cli/start_run.hpp"

namespace loom {
namespace {

struct RunOptions {
    StartJob request;
    RunFlags flags;
};

} // namespace

Action run_command(CLI::App& app) {
    const auto options = std::make_shared<RunOptions>();
    auto& request = options->request;
    app.add_option("JOB", request.job, "The job's name")->required();
    app.add_option("--limit", request.limit, "Of the job's targets only these nodes")->type_name("NODESET");
    add_parallel(app, request.parallel, request.parallel_auto);
    add_password_flag(app, options->flags);
    add_run_flags(app, options->flags);
    return [options](CommandContext& context, const std::vector<std::string>&) {
        auto asked = options->request;
        if (auto given = ask_become_password(options->flags, asked.become_password); !given)
            return fail(context, given.error());
        return start_run<&Service::start_job, &Service::plan_job>(context, options->flags, std::move(asked));
    };
}

} // namespace loom
