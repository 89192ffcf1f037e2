#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/text_width.hpp"
#include "app/cli/output/times.hpp"

#include <algorithm>
#include <ostream>

namespace loom {
namespace {

/// `backup@02:00` is a job and a time; a job's name may hold an @ itself, a time does not.
Result<WhyQuery> query_of(const std::string& word) {
    WhyQuery query;
    const auto at = word.rfind('@');
    query.subject = word.substr(0, at);
    if (at == word.npos) return query;
    query.at = word.substr(at + 1);
    if (query.at.empty()) return usage_error(word + ": expected a time behind @, as in " + word + "02:00, or no @");
    return query;
}

Colour colour_of(const std::string& verdict) {
    if (verdict == "ran" || verdict == "will_run") return Colour::green;
    return verdict == "running" ? Colour::none : Colour::yellow;
}

/// `never_ran` as people write it.
std::string spoken(std::string verdict) {
    std::ranges::replace(verdict, '_', ' ');
    return verdict;
}

Result<int> tell(CommandContext& context, OpenService& open, const WhyQuery& query) {
    const auto answer = context.wait(open.service->why(query));
    if (!answer) return answer.error();
    if (context.json) {
        print_json(context, *answer);
        return 0;
    }
    auto& out = context.streams.out;
    out << for_line(answer->job.empty() ? answer->run : answer->job);
    if (!answer->local.empty()) out << ", " << for_line(friendly_wall_time(answer->local));
    out << ": " << out_paint(context)(colour_of(answer->verdict), for_line(spoken(answer->verdict))) << "\n\n";
    for (const auto& sentence : answer->because) out << wrapped(for_line(sentence), out_width(context)) << '\n';
    out << std::flush;
    if (!answer->run.empty()) say(context, "\nlook deeper: " + command_hint(context, {"runs", "show", answer->run}));
    if (!open.daemon) return 0;
    const auto catalog = context.wait(open.service->catalog());
    if (!catalog) return catalog.error();
    say_draining(context, *catalog);
    return 0;
}

} // namespace

Action why_command(CLI::App& app) {
    const auto word = std::make_shared<std::string>();
    app.add_option("WHAT", *word,
                   "A job, for its newest run and the next; JOB@TIME, for one instant, as in backup@02:00 or backup@2026-11-28T02:00 (its own "
                   "clocks); or a run's id, its beginning, or `last`")
        ->required();
    return [word](CommandContext& context, const std::vector<std::string>&) {
        const auto query = query_of(*word);
        if (!query) return fail(context, query.error());
        return with_service(context, Need::read, [&](OpenService& open) { return tell(context, open, *query); });
    };
}

} // namespace loom
