#include "app/cli/run_report.hpp"

#include "app/cli/answer.hpp"
#include "app/cli/follow.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "core/model/nodeset.hpp"
#include "core/model/outcome.hpp"

#include <ostream>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

bool failed(const OutputGroupView& group) {
    const auto state = parse_node_state(group.state);
    return !state || !succeeded(*state);
}

/// The first node worth a closer look; none when all went well.
std::optional<std::string> first_failed(const std::vector<OutputGroupView>& groups) {
    for (const auto& group : groups) {
        if (!failed(group) || group.state == "not_started") continue;
        const auto nodes = expand_nodeset(group.nodes);
        if (nodes && !nodes->empty()) return nodes->front();
    }
    return std::nullopt;
}

} // namespace

int report_detached(CommandContext& context, const RunView& run) {
    if (context.json) {
        print_json(context, run);
        return 0;
    }
    context.streams.out << for_line(run.id) << '\n' << std::flush;
    say(context, (run.state == "waiting" ? "It " + run.message + "." : std::string("The daemon works on it.")) + "\n  look:   " + command_hint(context, {"logs", run.id}) +
                     "\n  cancel: " + command_hint(context, {"cancel", run.id}));
    return 0;
}

int report_plan(CommandContext& context, const PlanView& plan) {
    if (context.json) {
        print_json(context, plan);
        return 0;
    }
    auto& out = context.streams.out;
    out << "targets: " << (plan.count == 0 ? "none" : for_line(plan.targets) + " (" + std::to_string(plan.count) + ")") << '\n'
        << "command: " << for_terminal(plan.task, false) << '\n';
    if (plan.order != "inventory") out << "order:   " << for_line(plan.order) << '\n';
    if (plan.run_once) out << "once:    on the first that is reached\n";
    for (std::size_t i = 0; plan.waves.size() > 1 && i < plan.waves.size(); ++i) {
        const auto& wave = plan.waves[i];
        out << "wave " << i + 1 << ":  " << for_line(wave.nodes.empty() ? "drawn by lot" : wave.nodes) << " ("
            << wave.count << ")\n";
    }
    out << std::flush;
    return 0;
}

void print_groups(CommandContext& context, const std::vector<OutputGroupView>& groups) {
    GatherStyle style;
    style.width = out_width(context);
    style.paint = out_paint(context);
    for (const auto& group : groups) context.streams.out << render_group(group, style);
    context.streams.out << std::flush;
}

void print_summary(CommandContext& context, const RunView& run, const std::vector<OutputGroupView>& groups) {
    auto& err = context.streams.err;
    const Paint paint(context.streams.colour && context.streams.err_terminal);
    err << summarise(run, groups, paint) << '\n';
    if (!run.message.empty()) err << for_line(run.message) << '\n';
    err << paint(Colour::dim, "run " + for_line(run.id)) << '\n';
    if (const auto node = first_failed(groups))
        err << "look deeper: " << command_hint(context, {"logs", run.id, *node}) << '\n';
    err << std::flush;
}

Result<int> wait_and_report(CommandContext& context, OpenService& open, RunView started) {
    if (started.state == "waiting") say(context, "The run " + started.message);
    // The daemon may go before the run is reported; what it recorded is there without it.
    RunRef ref;
    ref.id = started.id;
    const auto with_run = [&context, &ref](Error error) {
        error.message += "\nrun " + ref.id + "\nlook deeper: " + command_hint(context, {"runs", "show", ref.id});
        return error;
    };
    auto followed = follow_run(context, open, std::move(started));
    if (!followed) {
        auto run = ask_even_after(context, open, [&ref](Service& service) { return service.run(ref); });
        if (!run || !has_ended(*run)) return with_run(followed.error());
        followed = Followed{std::move(*run)};
    }
    const auto& run = followed->run;
    if (followed->ending != Followed::Ending::ended) return 130;
    const auto groups = ask_even_after(context, open, [&ref](Service& service) { return service.gathered(ref); });
    // How the run ended is known all the same, and that is what the caller acts on.
    if (!groups) fail(context, with_run(groups.error()));
    if (context.json) {
        boost::json::object whole;
        whole["run"] = to_json(run);
        whole["groups"] = groups ? to_json(groups->items) : boost::json::value();
        print_json_line(context, whole);
    } else {
        const auto items = groups ? groups->items : std::vector<OutputGroupView>();
        print_groups(context, items);
        print_summary(context, run, items);
    }
    return followed->interrupted ? 130 : exit_code_of(run);
}

} // namespace loom
