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
    app.add_option("--limit", request.limit, "Of the job's targets only these nodes");
    add_parallel(app, request.parallel, request.parallel_auto);
    add_password_flag(app, options->flags);
    add_run_flags(app, options->flags);
    return [options](CommandContext& context, const std::vector<std::string>&) {
        auto request = options->request;
        if (auto asked = ask_become_password(options->flags, request.become_password); !asked)
            return fail(context, asked.error());
        return start_run<&Service::start_job, &Service::plan_job>(context, options->flags, std::move(request));
    };
}

} // namespace loom
