#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/text_width.hpp"
#include "app/files/job_log.hpp"
#include "core/base/counted.hpp"
#include "core/run/to_views.hpp"
#include "core/schedule/past.hpp"

#include <algorithm>
#include <ostream>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::string problem_line(CommandContext& context, const ProblemView& problem) {
    const auto place = for_line(problem.place) + ": ";
    auto line = wrapped(place + problem.kind + ": " + for_line(problem.job.empty() ? problem.message : problem.job + ": " + problem.message),
                        out_width(context));
    // A break takes a space's place, so the word still stands behind the place.
    return line.replace(place.size(), problem.kind.size(), out_paint(context)(problem.kind == "warning" ? Colour::yellow : Colour::red, problem.kind));
}

int check(CommandContext& context) {
    const auto catalog = context.load_catalog(context.config);
    if (!catalog) return fail(context, catalog.error());
    auto view = to_view(**catalog);
    for (const auto& problem : past_bounds(**catalog, context.clock.now())) view.problems.push_back(to_view(problem));
    for (const auto& problem : unwritable_logs(**catalog)) view.problems.push_back(to_view(problem));
    if (context.check_plugins)
        for (const auto& problem : context.check_plugins(**catalog)) view.problems.push_back(to_view(problem));
    std::ranges::stable_sort(view.problems, natural_less, &ProblemView::place);
    if (context.json) {
        print_json(context, view);
    } else {
        auto& out = context.streams.out;
        for (const auto& problem : view.problems) out << problem_line(context, problem) << '\n';
        out << for_line(view.file.empty() ? "no configuration" : view.file)
            << fmt::format(": {}, {}, {}\n", counted(view.nodes, "node"), counted(view.jobs, "job"),
                           counted(view.problems.size(), "problem"))
            << std::flush;
    }
    // Whatever is more than a warning is a job that does not run.
    const bool bad = std::any_of(view.problems.begin(), view.problems.end(), [](const auto& problem) { return problem.kind != "warning"; });
    return bad ? static_cast<int>(Errc::config) : 0;
}

} // namespace

Action check_command(CLI::App&) {
    return [](CommandContext& context, const std::vector<std::string>&) { return check(context); };
}

} // namespace loom
