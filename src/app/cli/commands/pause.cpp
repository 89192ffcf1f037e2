#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::string paused_name(const PauseView& pause) { return pause.job.empty() ? "Every job" : pause.job; }

std::string pause_words(const PauseView& pause) {
    return fmt::format("{} is paused {}by {}: {}", paused_name(pause), pause.until ? "until " + *pause.until + " " : "", pause.by,
                       for_line(pause.reason));
}

/// `Act` is a member of Service that takes this request and gives the pause.
template <auto Act, class Request>
int act(CommandContext& context, const Request& request, std::string (*words)(const PauseView&)) {
    return with_service(context, Need::write, [&](OpenService& open) -> Result<int> {
        const auto pause = context.wait(((*open.service).*Act)(Caller(context.caller), request));
        if (!pause) return pause.error();
        if (context.json) print_json(context, *pause);
        else say(context, words(*pause));
        return 0;
    });
}

} // namespace

Action pause_command(CLI::App& app) {
    const auto request = std::make_shared<PauseJob>();
    app.add_option("JOB", request->job, "The job's name");
    app.add_flag("--all", request->all, "Every job, also those that come later");
    app.add_option("--reason", request->reason, "Why, for those who wonder")->required()->type_name("TEXT");
    app.add_option("--until", request->until, "Ends by itself: after a duration as 2h, or at 2026-01-31T08:00:00Z")->type_name("TIME");
    return [request](CommandContext& context, const std::vector<std::string>&) {
        return act<&Service::pause>(context, *request, pause_words);
    };
}

Action resume_command(CLI::App& app) {
    const auto request = std::make_shared<ResumeJob>();
    app.add_option("JOB", request->job, "The job's name");
    app.add_flag("--all", request->all, "End the pause of every job; a job that was paused by its name stays so");
    return [request](CommandContext& context, const std::vector<std::string>&) {
        return act<&Service::resume>(context, *request,
                                     [](const PauseView& pause) { return paused_name(pause) + " goes on at its next time"; });
    };
}

} // namespace loom
