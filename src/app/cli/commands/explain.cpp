#include "core/time/explain.hpp"

#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/due_times.hpp"
#include "app/cli/options.hpp"
#include "app/cli/output/text_width.hpp"

#include <cctype>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

struct ExplainOptions {
    std::vector<std::string> words; ///< of the expression, one or many
    std::string zone;
    NextQuery query;
};

/// Whether an H stands in it that is no letter of a weekday or a month.
bool draws_by_name(const std::string& expression) {
    const auto letter = [&](std::size_t at) { return at < expression.size() && std::isalpha(static_cast<unsigned char>(expression[at])); };
    for (auto at = expression.find('H'); at != expression.npos; at = expression.find('H', at + 1))
        if (!letter(at + 1) && (at == 0 || !letter(at - 1))) return true;
    return false;
}

Result<void> explain_to(CommandContext& context, const ExplainOptions& options) {
    const auto expression = fmt::format("{}", fmt::join(options.words, " "));
    const auto cron = parse_cron(expression, options.query.job);
    if (!cron) return usage_error(cron.error().message);
    const auto now = context.clock.now();
    const auto due = due_of(*cron, options.zone, options.query, now);
    if (!due) return due.error();
    auto notes = explain_notes(*cron);
    if (options.query.job.empty() && draws_by_name(expression)) notes.emplace_back("H is drawn from the job's name, here from none: --job JOB gives one.");
    if (context.json) {
        print_json_line(context, {{"expression", expression},
                                  {"words", explain(*cron)},
                                  {"notes", boost::json::value_from(notes)},
                                  {"next", to_json(due->items)}});
        return {};
    }
    auto& out = context.streams.out;
    out << wrapped(explain(*cron) + ".", out_width(context)) << '\n';
    for (const auto& note : notes) out << wrapped(note, out_width(context)) << '\n';
    if (due->items.empty()) return {};
    out << '\n';
    print(context, due_table(due->items, now, false));
    return {};
}

} // namespace

Action explain_command(CLI::App& app) {
    const auto options = std::make_shared<ExplainOptions>();
    options->query.count = 5;
    app.add_option("EXPR", options->words, "A cron expression, as in \"0 2 * * mon-fri\"")->required()->type_name("");
    app.add_option("--job", options->query.job, "The name that H is drawn from")->type_name("JOB");
    app.add_option("--tz", options->zone, "The time zone of the next times, as in Europe/Berlin; otherwise this machine's")->type_name("ZONE");
    app.add_option("--after", options->query.after, "The next times from then on, as in 2026-01-31 or 2026-01-31T08:00 on the clocks of --tz, or 2026-01-31T08:00:00Z")->type_name("TIME");
    app.add_option("--count", options->query.count, "How many next times")->type_name("N")->check(number_between(0, 1000));
    return [options](CommandContext& context, const std::vector<std::string>&) {
        const auto done = explain_to(context, *options);
        return done ? 0 : fail(context, done.error());
    };
}

} // namespace loom
