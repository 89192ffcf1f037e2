#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/options.hpp"
#include "app/cli/output/times.hpp"
#include "app/cli/run_report.hpp"
#include "core/base/counted.hpp"
#include "core/base/limits.hpp"

namespace loom {
namespace {

struct BackfillOptions {
    BackfillQuery query;
    bool dry_run = false;
};

Table backfill_table(const BackfillList& list) {
    Table table({{"DUE", 0, 30}, {"PLAN", 0, 4}, {"WHY", 1, 10}});
    for (const auto& item : list.items)
        table.add({friendly_wall_time(item.local), {item.runs ? "run" : "skip", item.runs ? Colour::none : Colour::yellow}, item.why});
    return table;
}

int show_backfill(CommandContext& context, const BackfillList& list) {
    if (context.json) print_json(context, list);
    else if (list.items.empty()) say(context, "Nothing was due in that time.");
    else print(context, backfill_table(list));
    return 0;
}

/// One after the other, each to its end; a run that fails does not keep the next ones, an interrupt does. The exit code is
/// that of the first run that did not end well.
Result<int> run_each(CommandContext& context, OpenService& open, const BackfillOptions& options, const BackfillList& list) {
    std::size_t left = 0;
    for (const auto& item : list.items) left += item.runs ? 1 : 0;
    if (left == 0) say(context, list.items.empty() ? "Nothing was due in that time." : "All of it ran already; --again runs it anew.");
    int code = 0;
    for (const auto& item : list.items) {
        if (!item.runs) continue;
        StartJob request;
        request.job = options.query.job;
        request.due = item.due;
        const auto run = context.wait(open.service->start_job(Caller(context.caller), request));
        if (!run) return run.error();
        --left;
        say(context, "due " + item.due + (left > 0 ? ", " + counted(left, "run") + " after it" : std::string{}));
        const auto ended = wait_and_report(context, open, *run);
        if (!ended) return ended.error();
        if (*ended == static_cast<int>(Errc::interrupted)) return *ended;
        if (code == 0) code = *ended;
    }
    return code;
}

} // namespace

Action backfill_command(CLI::App& app) {
    const auto options = std::make_shared<BackfillOptions>();
    auto& query = options->query;
    app.add_option("JOB", query.job, "The job's name")->required();
    app.add_option("--from", query.from, "The first instant, as in 2026-01-31 or 2026-01-31T08:00 on the job's clocks, or 2026-01-31T08:00:00Z")->type_name("TIME")->required();
    app.add_option("--to", query.to, "Only instants before this one")->type_name("TIME")->required();
    app.add_flag("--again", query.again, "Those too that ran already");
    app.add_option("--max", query.max, "How many runs may be made up at once")
        ->type_name("N")
        ->check(number_between(1, limits::backfill_instants));
    app.add_flag("--dry-run", options->dry_run, "List what would run, and what would not and why; do nothing");
    app.footer("Oldest first, one after the other; {{ run.due }} is the instant that is made up for.");
    return [options](CommandContext& context, const std::vector<std::string>&) {
        const auto need = options->dry_run ? Need::read : Need::write;
        return with_service(context, need, [&](OpenService& open) -> Result<int> {
            auto asked = options->query;
            if (options->dry_run) asked.max = limits::backfill_instants;
            const auto list = context.wait(open.service->plan_backfill(asked));
            if (!list) return list.error();
            return options->dry_run ? show_backfill(context, *list) : run_each(context, open, *options, *list);
        });
    };
}

} // namespace loom
