#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
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

/// How a node ended, and why.
std::string end_of(const NodeResultView& result) {
    OutputGroupView end;
    end.state = result.state;
    end.cause = result.cause;
    end.exit_status = result.exit_status;
    end.exit_signal = result.exit_signal;
    return describe_end(end) + (result.message.empty() ? "" : ": " + result.message);
}

Result<int> show_node(CommandContext& context, Service& service, const NodeRef& ref) {
    const auto output = context.wait(service.output(ref));
    if (!output) return output.error();
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

void print_event(CommandContext& context, const Event& event) {
    if (context.json) {
        print_json(context, event);
        return;
    }
    if (event.type == "gap") say(context, "(some events were lost)");
    if (event.type == "run.stalled") say_message(context, event);
    if (event.type != "node.finished") return;
    const auto* finished = event.data.if_contains("result");
    const auto result = finished ? from_json<NodeResultView>(*finished) : usage_error("no result");
    if (!result) return;
    const auto end = out_paint(context)(state_colour(result->state), for_line(end_of(*result)));
    context.streams.out << for_line(result->node) << "  " << end << '\n' << std::flush;
}

/// Prints each event as it comes until the stream ends: one coroutine, because a stream lives on one strand.
awaitable<Result<void>> print_events(CommandContext& context, Service& service, RunRef ref) {
    auto stream = co_await service.watch(ref);
    if (!stream) co_return stream.error();
    while (true) {
        // What ends this wait is the end of the run or of the daemon.
        const auto event = co_await (*stream)->next();
        if (!event) break;
        print_event(context, *event);
    }
    co_return Result<void>();
}

Result<int> follow(CommandContext& context, const OpenService& open, const RunRef& ref) {
    if (const auto printed = context.wait(print_events(context, *open.service, ref)); !printed) return printed.error();
    const auto run = ask_even_after(context, open, [&ref](Service& service) { return service.run(ref); });
    if (!run) return run.error();
    if (!has_ended(*run)) return Error{Errc::unavailable, "the daemon ended the stream"};
    if (!context.json) print_summary(context, *run, {});
    return 0;
}

} // namespace

Action logs_command(CLI::App& app) {
    const auto options = std::make_shared<LogsOptions>();
    app.add_option("RUN", options->ref.id, "The run's id, its beginning, or `last`")->required();
    app.add_option("NODE", options->ref.node, "Only this node, its streams apart");
    app.add_flag("-f,--follow", options->follow, "Each node as it ends, until the run has ended");
    return [options](CommandContext& context, const std::vector<std::string>&) {
        if (options->follow && !options->ref.node.empty())
            return fail(context, usage_error("--follow: watches the whole run, without NODE"));
        const auto need = options->follow ? Need::daemon : Need::read;
        return with_service(context, need, [&](OpenService& open) {
            RunRef run;
            run.id = options->ref.id;
            if (options->follow) return follow(context, open, run);
            if (!options->ref.node.empty()) return show_node(context, *open.service, options->ref);
            return show_run_output(context, *open.service, run);
        });
    };
}

} // namespace loom
