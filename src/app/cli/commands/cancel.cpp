#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"

namespace loom {
namespace {

Result<int> cancel(CommandContext& context, Service& service, const RunRef& ref) {
    const auto run = context.wait(service.cancel(Caller(context.caller), ref));
    if (!run) return run.error();
    if (context.json) print_json(context, *run);
    else say(context, "Cancelling run " + run->id + "\n  look: " + command_hint(context, {"runs", "show", run->id}));
    return 0;
}

} // namespace

Action cancel_command(CLI::App& app) {
    const auto ref = std::make_shared<RunRef>();
    app.add_option("RUN", ref->id, "The run's id, its beginning, or `last`")->required();
    return [ref](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::daemon,
                            [&](OpenService& open) { return cancel(context, *open.service, *ref); });
    };
}

} // namespace loom
