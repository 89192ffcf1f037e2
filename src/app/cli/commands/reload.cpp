#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "core/base/counted.hpp"
#include "core/model/nodeset.hpp"

#include <set>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

constexpr std::size_t changes_shown = 10;

/// `2 added (a, b)`; empty: none.
std::string words_of(const std::vector<std::string>& names, std::string_view what) {
    if (names.empty()) return {};
    const auto shown = std::min(names.size(), changes_shown);
    auto words = fmt::format("{} {} ({}", names.size(), what, fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (shown < names.size()) words += fmt::format(", and {} more", names.size() - shown);
    return words + ")";
}

/// The same of a folded set.
std::string words_of(const std::string& folded, std::string_view what) {
    const auto names = expand_nodeset(folded);
    return folded.empty() || !names ? std::string() : fmt::format("{} {} ({})", names->size(), what, folded);
}

template <class Changes>
std::string changes_of(const Changes& changes) {
    std::string words;
    for (const auto& some : {words_of(changes.added, "added"), words_of(changes.removed, "removed"), words_of(changes.changed, "changed")})
        if (!some.empty()) words += (words.empty() ? "" : ", ") + some;
    return words;
}

void say_diff(CommandContext& context, const CatalogDiffView& diff) {
    if (!diff.at) return say(context, "Nothing has changed since the daemon began.");
    const auto jobs = changes_of(diff.jobs), nodes = changes_of(diff.nodes);
    say(context, fmt::format("Last changed {}, by {}:{}", *diff.at, diff.by, jobs.empty() && nodes.empty() ? " no job and no node." : ""));
    if (!jobs.empty()) say_prose(context, "  jobs:  " + jobs);
    if (!nodes.empty()) say_prose(context, "  nodes: " + nodes);
}

/// What the reload has to tell: each job that does not run, and what is wrong with the daemon's own settings, however long it has been so;
/// of jobs' warnings those that were not there before. The others are counted.
void say_problems(CommandContext& context, const CatalogView& before, const CatalogView& now) {
    const auto of_a_job = [](const ProblemView& problem) { return problem.kind == "warning" && !problem.job.empty(); };
    const auto words = [](const ProblemView& problem) { return (problem.job.empty() ? "" : problem.job + ": ") + problem.message; };
    std::multiset<std::string> known; // by their words: the lines of a file move
    for (const auto& problem : before.problems)
        if (of_a_job(problem)) known.insert(words(problem));
    std::size_t told = 0;
    for (const auto& problem : now.problems) {
        const auto old = of_a_job(problem) ? known.find(words(problem)) : known.end();
        if (old == known.end()) {
            say_prose(context, fmt::format("{}: {}: {}", problem.place, problem.kind, words(problem)));
        } else {
            known.erase(old);
            ++told;
        }
    }
    if (told > 0) say(context, fmt::format("{} as before: loom check", counted(told, "warning")));
}

Result<int> reload(CommandContext& context, Service& service) {
    const auto before = context.wait(service.catalog());
    if (!before) return before.error();
    const auto catalog = context.wait(service.reload(Caller(context.caller)));
    if (!catalog) return catalog.error();
    if (!catalog->last_error.empty()) // of a reload that began later
        return Error{Errc::config, "the last good configuration stays in use: " + catalog->last_error};
    const auto diff = context.wait(service.catalog_diff());
    if (!diff) return diff.error();
    if (context.json) {
        auto json = to_json(*catalog);
        json.as_object()["diff"] = to_json(*diff);
        print_json_line(context, json);
        return 0;
    }
    say_problems(context, *before, *catalog);
    say(context, fmt::format("Reloaded: {}, {}.", counted(catalog->nodes, "node"), counted(catalog->jobs, "job")));
    say_diff(context, *diff);
    return 0;
}

} // namespace

Action reload_command(CLI::App&) {
    return [](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::daemon, [&](OpenService& open) { return reload(context, *open.service); });
    };
}

} // namespace loom
