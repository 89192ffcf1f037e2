#include "app/cli/command_table.hpp"
#include "app/cli/start_run.hpp"

namespace loom {
namespace {

struct RetryOptions {
    StartRetry request;
    RunFlags flags;
};

} // namespace

Action retry_command(CLI::App& app) {
    const auto options = std::make_shared<RetryOptions>();
    auto& request = options->request;
    app.add_option("RUN", request.id, "The run's id, its beginning, or `last`")->required();
    app.add_option("--states", request.states, "Only nodes that ended so, as in failed,unreachable")->type_name("STATES");
    app.add_option("--limit", request.limit, "Of these nodes only")->type_name("NODESET");
    add_parallel(app, request.parallel, request.parallel_auto);
    add_password_flag(app, options->flags);
    add_run_flags(app, options->flags);
    app.footer("Takes every node but those that ended ok, changed or skipped, with the arguments that the run had.");
    return [options](CommandContext& context, const std::vector<std::string>&) {
        auto asked = options->request;
        if (auto given = ask_become_password(options->flags, asked.become_password); !given)
            return fail(context, given.error());
        return start_run<&Service::retry, &Service::plan_retry>(context, options->flags, std::move(asked));
    };
}

} // namespace loom
