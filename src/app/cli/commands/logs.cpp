#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/log_follower.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/run_report.hpp"

#include <ostream>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

struct LogsOptions {
    NodeRef ref;
    bool follow = false;
};

/// A node's bytes as they are to a file, made harmless on a terminal.
void write_output(std::ostream& stream, bool terminal, bool colour, const std::string& text) {
    stream << (terminal ? for_terminal(text, colour) : text);
    if (terminal && !text.empty() && !text.ends_with('\n')) stream << '\n';
    stream << std::flush;
}

Result<int> show_node(CommandContext& context, const OpenService& open, const NodeRef& ref) {
    auto& service = *open.service;
    auto output = context.wait(service.output(ref));
    if (!output) return output.error();
    if (output->result.state == "running" && !context.json) {
        const auto result = context.wait(print_node_output(context, open, ref, false));
        if (!result) return result.error();
        say(context, ref.node + ": is still running; go on: " + command_hint(context, {"logs", ref.id, ref.node, "--follow"}));
        return 0;
    }
    if (context.json) {
        print_json(context, *output);
        return 0;
    }
    const auto& streams = context.streams;
    write_output(streams.out, streams.out_terminal, streams.colour, output->out);
    write_output(streams.err, streams.err_terminal, streams.colour, output->err);
    if (output->out_dropped > 0) say(context, fmt::format("({} more bytes of stdout were not kept)", output->out_dropped));
    if (output->err_dropped > 0) say(context, fmt::format("({} more bytes of stderr were not kept)", output->err_dropped));
    const auto& result = output->result;
    if (result.state != "ok") say(context, result.node + ": " + end_of(result));
    return 0;
}

Result<int> show_run_output(CommandContext& context, Service& service, const RunRef& ref) {
    const auto groups = context.wait(service.gathered(ref));
    if (!groups) return groups.error();
    if (context.json) {
        print_json(context, *groups);
        return 0;
    }
    const auto run = context.wait(service.run(ref));
    if (!run) return run.error();
    print_groups(context, groups->items);
    print_summary(context, *run, groups->items);
    return 0;
}

Result<int> follow(CommandContext& context, const OpenService& open, const RunRef& ref) {
    LogFollower follower(context, open, ref);
    if (const auto printed = context.wait(follower.go()); !printed) return printed.error();
    const auto run = ask_even_after(context, open, [&](Service& service) { return service.run(follower.run()); });
    if (!run) return run.error();
    if (!has_ended(*run)) return Error{Errc::unavailable, "the daemon ended the stream"};
    if (!context.json) print_summary(context, *run, {});
    return 0;
}

Result<int> follow_node(CommandContext& context, const OpenService& open, const NodeRef& ref) {
    const auto result = context.wait(print_node_output(context, open, ref, true));
    if (!result) return result.error();
    if (!context.json && result->state != "ok") say(context, result->node + ": " + end_of(*result));
    return 0;
}

} // namespace

Action logs_command(CLI::App& app) {
    const auto options = std::make_shared<LogsOptions>();
    app.add_option("RUN", options->ref.id, "The run's id, its beginning, or `last`")->required();
    app.add_option("NODE", options->ref.node, "Only this node, its streams apart");
    app.add_flag("-f,--follow", options->follow, "What is printed, as it is, until the end");
    return [options](CommandContext& context, const std::vector<std::string>&) {
        const auto need = options->follow ? Need::daemon : Need::read;
        return with_service(context, need, [&](OpenService& open) {
            RunRef run;
            run.id = options->ref.id;
            const bool one = !options->ref.node.empty();
            if (options->follow) return one ? follow_node(context, open, options->ref) : follow(context, open, run);
            if (one) return show_node(context, open, options->ref);
            return show_run_output(context, *open.service, run);
        });
    };
}

} // namespace loom
