#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/times.hpp"
#include "app/notify/message.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"

#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

namespace json = boost::json;

std::string events_of(const NotifyRule& rule) {
    std::vector<std::string_view> words;
    for (const auto event : rule.on) words.push_back(to_string(event));
    return fmt::format("{}", fmt::join(words, ", "));
}

/// Where it goes, without what may be a secret of the URL: its path and query.
std::string place_of(const NotifyTarget& target) {
    if (target.kind == NotifyTarget::Kind::email) return fmt::format("{} by {}:{}", fmt::join(target.to, ", "), target.server, target.port);
    const auto& url = target.url.reveal();
    const auto begin = url.find("//") == std::string::npos ? 0 : url.find("//") + 2;
    return url.substr(0, url.find_first_of("/?", begin));
}

struct Waiting {
    std::size_t waiting = 0, dead = 0;
    std::string error; ///< of the newest that has one
};

Waiting waiting_of(const std::vector<OutboxEntry>& entries, const std::string& rule) {
    Waiting found;
    for (const auto& entry : entries) {
        if (entry.rule != rule) continue;
        ++(entry.dead ? found.dead : found.waiting);
        if (found.error.empty()) found.error = entry.error;
    }
    return found;
}

Result<int> list_rules(CommandContext& context) {
    const auto catalog = context.load_catalog(context.config);
    if (!catalog) return catalog.error();
    const auto entries = context.read_outbox((*catalog)->settings.state_dir);
    if (!entries) return entries.error();
    json::array items;
    Table table({{"RULE", 0, 10}, {"KIND", 1, 7}, {"ON", 3, 12}, {"JOBS", 4, 8}, {"TO", 2, 12}, {"WAITING", 1, 7, true}, {"GIVEN UP", 1, 8, true},
                 {"LAST ERROR", 7, 12, false, true}});
    for (const auto& rule : (*catalog)->notify) {
        const auto found = waiting_of(*entries, rule.name);
        const auto jobs = rule.jobs.empty() ? std::string("all") : fmt::format("{}", fmt::join(rule.jobs, ", "));
        const auto kind = std::string(to_string(rule.target.kind));
        items.push_back({{"name", rule.name}, {"kind", kind}, {"on", events_of(rule)}, {"jobs", jobs}, {"to", place_of(rule.target)},
                         {"waiting", found.waiting}, {"dead", found.dead}, {"error", found.error}, {"source", rule.place}});
        table.add({rule.name, kind, events_of(rule), jobs, place_of(rule.target), std::to_string(found.waiting),
                   {std::to_string(found.dead), found.dead > 0 ? Colour::red : Colour::none}, found.error});
    }
    if (context.json) print_json_line(context, {{"items", std::move(items)}});
    else print(context, table);
    return 0;
}

struct NotifyTest {
    std::string rule, event = "first_failure", job = "test";
};

Result<int> test_rule(CommandContext& context, const NotifyTest& options) {
    const auto catalog = context.load_catalog(context.config);
    if (!catalog) return catalog.error();
    const auto found = std::ranges::find((*catalog)->notify, options.rule, &NotifyRule::name);
    if (found == (*catalog)->notify.end()) {
        std::vector<std::string> names;
        for (const auto& rule : (*catalog)->notify) names.push_back(rule.name);
        return not_found(fmt::format("there is no rule \"{}\"{}", options.rule, did_you_mean(options.rule, names)));
    }
    Notice notice;
    std::vector<std::string> known;
    for (std::size_t i = 0; i < notify_events; ++i) known.emplace_back(to_string(static_cast<NotifyEvent>(i)));
    const auto event = parse_notify_event(options.event);
    if (!event) return usage_error(fmt::format("--event: expected one of {}, not \"{}\"{}", fmt::join(known, ", "), options.event, did_you_mean(options.event, known)));
    notice.event = *event;
    notice.failures = 1;
    const auto now = context.clock.now();
    RunView run;
    run.id = uuid_v7(now.time_since_epoch().count());
    run.job = options.job;
    run.state = *event == NotifyEvent::success || *event == NotifyEvent::recovery ? "ok" : "failed";
    run.message = "this is a test; nothing has happened";
    run.started = to_rfc3339(now);
    run.finished = run.started;
    const auto sent = context.send_notification(found->target, cloud_event(*found, notice, run, run.id, now));
    if (!sent) return Error{Errc::failed, fmt::format("notify {}: {}", found->name, sent.error().message)};
    if (context.json) print_json_line(context, {{"rule", found->name}, {"sent", true}});
    else say(context, fmt::format("{} was told by {}: {}", place_of(found->target), to_string(found->target.kind), notice_title(notice, run.job)));
    return 0;
}

} // namespace

Action notify_command(CLI::App& app) {
    const auto options = std::make_shared<NotifyTest>();
    app.add_subcommand("list", "The rules of the configuration, and what waits or was given up of each");
    auto* test = app.add_subcommand("test", "Sends one notification of a run that does not exist, now and once");
    test->add_option("RULE", options->rule, "The rule's name")->required();
    test->add_option("--event", options->event, "As if this had happened: first_failure, recovery, …")->type_name("EVENT");
    test->add_option("--job", options->job, "To this job")->type_name("JOB");
    return [options, test](CommandContext& context, const std::vector<std::string>&) {
        const auto done = test->parsed() ? test_rule(context, *options) : list_rules(context);
        return done ? *done : fail(context, done.error());
    };
}

} // namespace loom
