#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/run_report.hpp"
#include "core/async/deadline.hpp"
#include "core/async/stop.hpp"
#include "core/base/limits.hpp"

#include <ostream>
#include <set>
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

/// Prints what happens in a run as it happens, each node once, over broken connections and lost events too.
class LogFollower {
public:
    LogFollower(CommandContext& context, const OpenService& open, RunRef ref)
        : context_(context), service_(*open.service), remote_(open.remote), ref_(std::move(ref)) {}

    /// Returns at the end of the run or of the daemon. One coroutine, because a stream lives on one strand.
    awaitable<Result<void>> go() {
        for (bool first = true;; first = false) {
            auto stream = co_await service_.watch(ref_);
            if (!stream && !co_await comes_back(stream.error())) co_return stream.error();
            if (!stream) continue;
            lost_.reset();
            if (!first) co_await print_missed();
            while (true) {
                // What ends this wait is the end of the run or of the daemon.
                const auto event = co_await (*stream)->next();
                if (!event) break;
                ended_ = ended_ || event->type == "run.finished";
                print(*event);
                if (event->type == "gap") co_await print_missed();
            }
            if (ended_ || !remote_) co_return Result<void>();
            const Error broken{Errc::unavailable, "the connection broke"};
            if (!co_await comes_back(broken)) co_return broken;
        }
    }

private:
    awaitable<bool> comes_back(const Error& error) {
        const auto now = std::chrono::steady_clock::now();
        if (!remote_ || error.code != Errc::unavailable) co_return false;
        if (!lost_) say(context_, error.message + "; trying again");
        if (!lost_) lost_ = now;
        if (now - *lost_ > limits::reconnect_time) co_return false;
        const StopToken never;
        const bool waited = co_await pause_for(limits::reconnect_pause, never);
        (void)waited;
        co_return true;
    }

    /// What has ended while nobody listened.
    awaitable<void> print_missed() {
        const auto results = co_await service_.results(ref_);
        if (!results) co_return;
        for (const auto& result : results->items)
            if (result.state != "queued" && result.state != "running") print_end(result);
    }

    void print_end(const NodeResultView& result) {
        if (!printed_.insert(result.node).second) return;
        if (context_.json) {
            Event event;
            event.type = "node.finished";
            event.run = ref_.id;
            event.data["result"] = to_json(result);
            print_json(context_, event);
            return;
        }
        const auto end = out_paint(context_)(state_colour(result.state), for_line(end_of(result)));
        context_.streams.out << for_line(result.node) << "  " << end << '\n' << std::flush;
    }

    void print(const Event& event) {
        const auto* finished = event.type == "node.finished" ? event.data.if_contains("result") : nullptr;
        const auto result = finished ? from_json<NodeResultView>(*finished) : usage_error("no result");
        if (context_.json) {
            const bool seen = result && !printed_.insert(result->node).second;
            if (!seen) print_json(context_, event);
            return;
        }
        if (event.type == "gap") say(context_, "(some events were lost)");
        if (event.type == "run.stalled") say_message(context_, event);
        if (result) print_end(*result);
    }

    CommandContext& context_;
    Service& service_;
    const bool remote_;
    RunRef ref_;
    std::set<std::string> printed_; ///< nodes
    bool ended_ = false;
    std::optional<std::chrono::steady_clock::time_point> lost_;
};

Result<int> follow(CommandContext& context, const OpenService& open, const RunRef& ref) {
    LogFollower follower(context, open, ref);
    if (const auto printed = context.wait(follower.go()); !printed) return printed.error();
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
    app.add_flag("-f,--follow", options->follow, "How each node ends, as it ends; what they printed: without -f");
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
