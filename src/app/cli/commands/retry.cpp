#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/run_report.hpp"
#include "core/base/limits.hpp"

namespace loom {
namespace {

struct RetryOptions {
    StartRetry request;
    bool detach = false;
};

Result<int> retry(CommandContext& context, OpenService& open, const RetryOptions& options) {
    auto run = context.wait(open.service->retry(Caller(context.caller), options.request));
    if (!run) return run.error();
    if (options.detach) return report_detached(context, *run);
    return wait_and_report(context, open, std::move(*run));
}

} // namespace

Action retry_command(CLI::App& app) {
    const auto options = std::make_shared<RetryOptions>();
    auto& request = options->request;
    app.add_option("RUN", request.id, "The run's id, its beginning, or `last`")->required();
    app.add_option("--states", request.states, "Only nodes that ended so, as in failed,unreachable");
    app.add_option("--limit", request.limit, "Of these nodes only");
    app.add_option("--parallel", request.parallel, "How many nodes at once")
        ->check(CLI::Range(std::size_t{1}, limits::parallel_max));
    app.add_flag("--detach", options->detach, "Leave the run to the daemon and print its id");
    app.footer("Takes every node but those that ended ok, changed or skipped, with the arguments that the run had.");
    return [options](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, options->detach ? Need::daemon : Need::write,
                            [&](OpenService& open) { return retry(context, open, *options); });
    };
}

} // namespace loom
