#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/run_report.hpp"
#include "core/base/limits.hpp"

namespace loom {
namespace {

struct RunOptions {
    StartJob request;
    bool detach = false, dry_run = false;
};

Result<int> dry_run(CommandContext& context, Service& service, const StartJob& request) {
    const auto plan = context.wait(service.plan(request));
    if (!plan) return plan.error();
    return report_plan(context, *plan);
}

Result<int> run_job(CommandContext& context, OpenService& open, const RunOptions& options) {
    auto& service = *open.service;
    if (options.dry_run) return dry_run(context, service, options.request);
    auto run = context.wait(service.start_job(Caller(context.caller), options.request));
    if (!run) return run.error();
    if (options.detach) return report_detached(context, *run);
    return wait_and_report(context, open, std::move(*run));
}

} // namespace

Action run_command(CLI::App& app) {
    const auto options = std::make_shared<RunOptions>();
    app.add_option("JOB", options->request.job, "The job's name")->required();
    app.add_option("--limit", options->request.limit, "Of the job's targets only these nodes");
    app.add_option("--parallel", options->request.parallel, "How many nodes at once")
        ->check(CLI::Range(std::size_t{1}, limits::parallel_max));
    app.add_flag("--detach", options->detach, "Leave the run to the daemon and print its id");
    app.add_flag("--dry-run", options->dry_run, "Print the nodes, wave by wave, and the work; do nothing");
    return [options](CommandContext& context, const std::vector<std::string>&) {
        const auto need = options->dry_run ? Need::read : options->detach ? Need::daemon : Need::write;
        return with_service(context, need,
                            [&](OpenService& open) { return run_job(context, open, *options); });
    };
}

} // namespace loom
