#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

Result<int> list_rules(CommandContext& context, Service& service) {
    const auto list = context.wait(service.notify_rules());
    if (!list) return list.error();
    if (context.json) {
        print_json(context, *list);
        return 0;
    }
    Table table({{"RULE", 0, 10}, {"KIND", 1, 7}, {"ON", 3, 12}, {"JOBS", 4, 8}, {"TO", 2, 12}, {"WAITING", 1, 7, true}, {"GIVEN UP", 1, 8, true},
                 {"LAST ERROR", 7, 12, false, true}});
    for (const auto& rule : list->items)
        table.add({rule.name, rule.kind, rule.on, rule.jobs, rule.to, std::to_string(rule.waiting),
                   {std::to_string(rule.dead), rule.dead > 0 ? Colour::red : Colour::none}, rule.error});
    print(context, table);
    return 0;
}

Result<int> test_rule(CommandContext& context, Service& service, const TestNotify& request) {
    const auto sent = context.wait(service.test_notify(Caller(context.caller), request));
    if (!sent) return sent.error();
    if (context.json) print_json_line(context, {{"rule", sent->rule}, {"sent", true}});
    else say(context, fmt::format("{} was told by {}: {}", sent->to, sent->kind, sent->title));
    return 0;
}

} // namespace

Action notify_command(CLI::App& app) {
    const auto options = std::make_shared<TestNotify>();
    app.add_subcommand("list", "The rules of the configuration, and what waits or was given up of each");
    auto* test = app.add_subcommand("test", "Sends one notification of a run that does not exist, now and once");
    test->add_option("RULE", options->rule, "The rule's name")->required();
    test->add_option("--event", options->event, "As if this had happened: first_failure, recovery, …")->type_name("EVENT");
    test->add_option("--job", options->job, "To this job")->type_name("JOB");
    return [options, test](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::read, [&](OpenService& open) {
            return test->parsed() ? test_rule(context, *open.service, *options) : list_rules(context, *open.service);
        });
    };
}

} // namespace loom
