#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"

namespace loom {
namespace {

Result<int> drain(CommandContext& context, Service& service, const DrainRequest& request) {
    const auto before = context.wait(service.catalog());
    if (!before) return before.error();
    const auto catalog = context.wait(service.drain(Caller(context.caller), request));
    if (!catalog) return catalog.error();
    if (context.json) print_json(context, *catalog);
    else if (request.undo && before->draining.empty()) say(context, "The daemon is not draining: there is nothing to undo.");
    else if (request.undo) say(context, "Work begins again; what was missed is caught up as each job says.");
    else say(context, "Draining: nothing new starts, and what runs goes on.\n  look: " +
                          command_hint(context, {"runs", "--state", "running"}) + "\n  undo: " + command_hint(context, {"drain", "--undo"}));
    return 0;
}

} // namespace

Action drain_command(CLI::App& app) {
    const auto request = std::make_shared<DrainRequest>();
    app.add_flag("--undo", request->undo, "Begin new work again");
    return [request](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::daemon, [&](OpenService& open) { return drain(context, *open.service, *request); });
    };
}

} // namespace loom
