#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "core/base/counted.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

Result<int> reload(CommandContext& context, Service& service) {
    const auto catalog = context.wait(service.reload(Caller(context.caller)));
    if (!catalog) return catalog.error();
    if (!catalog->last_error.empty()) // of a reload that began later
        return Error{Errc::config, "the last good configuration stays in use: " + catalog->last_error};
    if (context.json) {
        print_json(context, *catalog);
    } else {
        for (const auto& problem : catalog->problems)
            say(context, fmt::format("{}: {}: {}{}", problem.place, problem.kind,
                                     problem.job.empty() ? "" : problem.job + ": ", problem.message));
        say(context, fmt::format("Reloaded: {}, {}.", counted(catalog->nodes, "node"), counted(catalog->jobs, "job")));
    }
    return 0;
}

} // namespace

Action reload_command(CLI::App&) {
    return [](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::daemon, [&](OpenService& open) { return reload(context, *open.service); });
    };
}

} // namespace loom
