#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/due_times.hpp"
#include "app/cli/options.hpp"

namespace loom {
namespace {

struct NextOptions {
    NextQuery query;
    std::string cron, zone;
};

/// When an expression is due: no daemon, no configuration.
Result<DueList> next_of_cron(const NextOptions& options, Instant now) {
    auto cron = parse_cron(options.cron, options.query.job);
    if (!cron) return usage_error("--cron: " + cron.error().message);
    return due_of(*cron, options.zone, options.query, now);
}

int show(CommandContext& context, const DueList& due, bool jobs) {
    if (context.json) print_json(context, due);
    else if (due.items.empty()) say(context, due.why.empty() ? "Nothing is due." : "Nothing is due: " + due.why + ".");
    else print(context, due_table(due.items, context.clock.now(), jobs));
    return 0;
}

} // namespace

Action next_command(CLI::App& app) {
    const auto options = std::make_shared<NextOptions>();
    options->query.count = 0;
    auto* job = app.add_option("JOB", options->query.job, "Only this job");
    app.add_option("--job", options->query.job, "The same; with --cron, the name that H is drawn from")->type_name("JOB")->excludes(job);
    const auto* cron =
        app.add_option("--cron", options->cron, "An expression instead of the configured jobs, as in \"0 2 * * mon-fri\"")->type_name("EXPR");
    app.add_option("--tz", options->zone, "The expression's time zone, as in Europe/Berlin; otherwise this machine's")->type_name("ZONE");
    app.add_option("--after", options->query.after, "From then on, as in 2026-01-31 or 2026-01-31T08:00 on the job's clocks (with --cron: those of --tz), or 2026-01-31T08:00:00Z; otherwise from now")->type_name("TIME");
    app.add_option("--count", options->query.count, "How many times of each")->type_name("N")->check(number_between(1, 1000));
    return [options, cron](CommandContext& context, const std::vector<std::string>&) {
        const bool expression = cron->count() > 0;
        if (options->query.count == 0) options->query.count = !expression && options->query.job.empty() ? 1 : 5;
        if (expression) {
            const auto due = next_of_cron(*options, context.clock.now());
            return due ? show(context, *due, false) : fail(context, due.error());
        }
        if (!options->zone.empty()) return fail(context, usage_error("--tz: only with --cron; a job has its own zone"));
        return with_service(context, Need::read, [&](OpenService& open) -> Result<int> {
            const auto due = context.wait(open.service->next(options->query));
            if (!due) return due.error();
            if (context.json || !open.daemon) return show(context, *due, true);
            const auto catalog = context.wait(open.service->catalog());
            if (!catalog) return catalog.error();
            const int code = show(context, *due, true);
            say_draining(context, *catalog);
            return code;
        });
    };
}

} // namespace loom
