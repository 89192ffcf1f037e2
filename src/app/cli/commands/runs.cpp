#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/options.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/times.hpp"
#include "core/base/limits.hpp"
#include "core/model/outcome.hpp"

#include <algorithm>
#include <array>
#include <ostream>

namespace loom {
namespace {

constexpr std::size_t wide_enough_for_ids = 150;

/// `3 ok, 1 failed`: what did not go well first would hide how much did.
std::string counts_of(const RunView& run) {
    std::string text;
    for (std::size_t i = 0; i < node_states; ++i) {
        const auto found = run.counts.find(std::string(to_string(static_cast<NodeState>(i))));
        if (found == run.counts.end()) continue;
        text += (text.empty() ? "" : ", ") + std::to_string(found->second) + " " + found->first;
    }
    return text;
}

/// How it ended, and what was found of it before.
std::string note_of(const RunView& run) {
    if (run.message.empty() || run.note.empty()) return run.message + run.note;
    return run.message + "; " + run.note;
}

Table table_of(const std::vector<RunView>& runs, Instant now, bool whole_ids) {
    Table table({{"RUN", 0, 13}, {"STATE", 0, 11}, {"JOB", 1, 14}, {"STARTED", 2, 8}, {"TOOK", 4, 5, true},
                 {"NODES", 3, 16}, {"WHY", 6, 6}, {"BY", 7, 9}, {"NOTE", 8, 10, false, true}});
    const auto ids = short_ids(runs);
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const auto& run = runs[i];
        table.add({whole_ids ? run.id : ids[i], {run.state, state_colour(run.state)}, run.job.empty() ? run.task : run.job,
                   relative_time(std::optional(run.started), now), time_between(run.started, run.finished),
                   counts_of(run), run.reason, run.by, note_of(run)});
    }
    return table;
}

Result<int> list_runs(CommandContext& context, OpenService& open, const RunsQuery& query) {
    const auto page = context.wait(open.service->runs(query));
    if (!page) return page.error();
    if (context.json) {
        print_json(context, *page);
        return 0;
    }
    const auto width = out_width(context);
    if (page->items.empty()) say(context, query.job.empty() && query.state.empty() && query.before.empty() ? "Nothing has run yet." : "No such run is recorded.");
    else print(context, table_of(page->items, context.clock.now(), width == 0 || width >= wide_enough_for_ids));
    if (!page->next.empty()) say(context, "older: " + command_hint(context, {"runs", "--before", page->next}));
    if (!open.daemon) return 0;
    const auto catalog = context.wait(open.service->catalog());
    if (!catalog) return catalog.error();
    say_draining(context, *catalog);
    return 0;
}

void print_run(CommandContext& context, const RunView& run, Instant now) {
    auto& out = context.streams.out;
    const auto paint = out_paint(context);
    const auto line = [&](const char* title, const std::string& text) {
        if (!text.empty()) out << title << for_line(text) << '\n';
    };
    const auto time = [&](const std::optional<std::string>& at) {
        return at ? *at + " (" + relative_time(at, now) + ")" : std::string{};
    };
    line("run:      ", run.id);
    out << "state:    " << paint(state_colour(run.state), for_line(run.state)) << '\n';
    line("message:  ", run.message);
    line("note:     ", run.note);
    line("job:      ", run.job);
    line("task:     ", run.task);
    line("reason:   ", run.reason + " by " + run.by);
    line("of run:   ", run.of);
    for (const auto& [name, value] : run.params)
        line("params:   ", std::string(name) + " = " + boost::json::serialize(value));
    line("trace:    ", run.trace);
    for (const auto& upstream : run.upstream) line("follows:  ", upstream);
    line("due:      ", time(run.due));
    line("started:  ", time(run.started));
    line("finished: ", time(run.finished));
    line("took:     ", time_between(run.started, run.finished));
    line("nodes:    ", counts_of(run));
}

/// Failures first, and what has not ended last.
int order_of(const NodeResultView& result) {
    const auto state = parse_node_state(result.state);
    if (!state || !terminal(*state)) return 2;
    return succeeded(*state) ? 1 : 0;
}

Table table_of(std::vector<NodeResultView> results) {
    std::stable_sort(results.begin(), results.end(),
                     [](const auto& a, const auto& b) { return order_of(a) < order_of(b); });
    Table table({{"NODE", 0, 16}, {"STATE", 0, 11}, {"CAUSE", 1, 7}, {"EXIT", 1, 4, true}, {"TRIES", 5, 5, true},
                 {"TOOK", 4, 5, true}, {"MESSAGE", 2, 10}});
    for (const auto& result : results) {
        const auto exit = result.exit_signal.empty() && result.exit_status ? std::to_string(*result.exit_status)
                                                                           : result.exit_signal;
        table.add({result.node, {result.state, state_colour(result.state)}, result.cause, exit,
                   std::to_string(result.attempts), result.started ? time_between(*result.started, result.finished) : "",
                   result.message});
    }
    return table;
}

Result<int> show_run(CommandContext& context, Service& service, const RunRef& ref) {
    const auto run = context.wait(service.run(ref));
    if (!run) return run.error();
    const auto results = context.wait(service.results(ref));
    if (!results) return results.error();
    if (context.json) {
        boost::json::object whole;
        whole["run"] = to_json(*run);
        whole["nodes"] = to_json(results->items);
        print_json_line(context, whole);
        return 0;
    }
    print_run(context, *run, context.clock.now());
    if (!results->items.empty()) {
        context.streams.out << '\n';
        print(context, table_of(results->items));
    }
    context.streams.out << std::flush;
    return 0;
}

} // namespace

Action runs_command(CLI::App& app) {
    const auto query = std::make_shared<RunsQuery>();
    const auto ref = std::make_shared<RunRef>();
    app.add_option("--job", query->job, "Only of this job")->type_name("JOB");
    app.add_option("--state", query->state, "Only in this state: running, ok, failed, …")->type_name("STATE");
    app.add_option("--count", query->limit, "How many")->type_name("N")->check(number_between(1, limits::page_items));
    app.add_option("--before", query->before, "Only older than this run: its id, or the beginning")->type_name("RUN");
    auto* show = app.add_subcommand("show", "One run with every node");
    show->add_option("RUN", ref->id, "The run's id, its beginning, or `last`")->required();
    return [query, ref, show](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::read, [&](OpenService& open) {
            return show->parsed() ? show_run(context, *open.service, *ref) : list_runs(context, open, *query);
        });
    };
}

} // namespace loom
