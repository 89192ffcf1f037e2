#include "app/cli/log_follower.hpp"

#include "app/cli/answer.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/run_report.hpp"
#include "core/async/deadline.hpp"
#include "core/async/stop.hpp"
#include "core/model/nodeset.hpp"

#include <ostream>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::string_view piece_wait = "30s"; ///< a node's next output is waited for; then the daemon is asked anew
/// A daemon that does not wait has the run in another process, whose output comes at its end.
constexpr std::chrono::milliseconds in_vain_pause(500);

/// A node's bytes as they are to a file, made harmless on a terminal.
void write_bytes(std::ostream& stream, bool terminal, bool colour, const std::string& text) {
    stream << (terminal ? for_terminal(text, colour) : text) << std::flush;
}

bool over(const NodeResultView& result) { return result.state != "queued" && result.state != "running"; }

} // namespace

std::string end_of(const NodeResultView& result) {
    OutputGroupView end;
    end.state = result.state;
    end.cause = result.cause;
    end.exit_status = result.exit_status;
    end.exit_signal = result.exit_signal;
    return describe_end(end) + (result.message.empty() ? "" : ": " + result.message);
}

awaitable<Result<void>> LogFollower::go() {
    for (;;) {
        WatchRun watched(ref_);
        watched.output = true;
        auto stream = co_await service_.watch(std::move(watched));
        if (!stream && !co_await reconnect_.after(stream.error())) co_return stream.error();
        if (!stream) continue;
        reconnect_.reached();
        for (bool fresh = true;; fresh = false) {
            // What ends this wait is the end of the run or of the daemon.
            auto event = co_await (*stream)->next();
            if (!event) break;
            ended_ = ended_ || event->type == "run.finished";
            if (known_ && (fresh || event->type == "gap")) co_await print_missed();
            if (!known_) co_await begin(*event);
            co_await print(std::move(*event));
        }
        if (ended_ || !remote_) co_return Result<void>();
        const Error broken{Errc::unavailable, "the connection broke"};
        if (!co_await reconnect_.after(broken)) co_return broken;
    }
}

/// The first event is the run. What has ended before is shown as `loom logs` shows it.
awaitable<void> LogFollower::begin(Event first) {
    const auto* id = first.data.if_contains("id");
    if (!id || !id->is_string()) co_return;
    known_ = true;
    ref_.id = id->get_string();
    if (context_.json) co_return;
    const auto groups = co_await service_.gathered(ref_);
    if (!groups) co_return;
    for (const auto& group : groups->items)
        if (auto nodes = expand_nodeset(group.nodes)) printed_.insert(nodes->begin(), nodes->end());
    print_groups(context_, groups->items);
}

/// What has ended while nobody listened.
awaitable<void> LogFollower::print_missed() {
    const auto results = co_await service_.results(ref_);
    if (!results) co_return;
    for (const auto& result : results->items) {
        if (!over(result) || printed_.contains(result.node)) continue;
        co_await catch_up(result.node);
        print_end(result);
    }
}

awaitable<void> LogFollower::print(Event event) {
    if (event.type == "node.output") {
        co_await print_output(std::move(event));
        co_return;
    }
    const auto* finished = event.type == "node.finished" ? event.data.if_contains("result") : nullptr;
    const auto result = finished ? from_json<NodeResultView>(*finished) : usage_error("no result");
    if (result) print_end(*result);
    else if (context_.json) print_json(context_, event);
    else if (event.type == "gap") say(context_, "(some events were lost)");
    else if (event.type == "run.stalled") say_message(context_, event);
}

/// A stream begins each node anew; what was printed before is skipped, and what lies between is asked for.
awaitable<void> LogFollower::print_output(Event event) {
    const auto node = boost::json::value_to<std::string>(event.data.at("node"));
    const auto stream = boost::json::value_to<std::string>(event.data.at("stream"));
    if (printed_.contains(node)) co_return;
    begin_anew(node, boost::json::value_to<int>(event.data.at("attempts")));
    OutputPieceView piece;
    piece.offset = boost::json::value_to<std::uint64_t>(event.data.at("offset"));
    piece.next = boost::json::value_to<std::uint64_t>(event.data.at("next"));
    piece.text = boost::json::value_to<std::string>(event.data.at("text"));
    const auto& place = places_[node];
    const auto at = stream == "err" ? place.err : place.out;
    if (piece.next <= at) co_return;
    if (piece.offset == at) print_piece(node, stream, piece);
    else co_await catch_up(node);
}

/// Goes on from where this node's output was read to, by what the daemon has of it.
awaitable<void> LogFollower::catch_up(std::string node) {
    while (true) {
        const auto place = places_[node];
        NodeOutputQuery query;
        query.id = ref_.id;
        query.node = node;
        query.attempts = place.attempts;
        query.out = place.out;
        query.err = place.err;
        const auto piece = co_await service_.output_piece(std::move(query));
        if (!piece) co_return; // where the connection broke, the stream's next turn comes back to it
        begin_anew(node, piece->result.attempts);
        print_piece(node, "out", piece->out);
        print_piece(node, "err", piece->err);
        if (piece->ended || (piece->out.text.empty() && piece->err.text.empty())) co_return;
    }
}

/// Where the task was run again, its output begins again.
void LogFollower::begin_anew(const std::string& node, int attempts) {
    auto& place = places_[node];
    if (place.attempts == attempts) return;
    if (place.attempts != 0) lines_.end(node);
    place = {};
    place.attempts = attempts;
}

void LogFollower::print_piece(const std::string& node, std::string_view stream, const OutputPieceView& piece) {
    auto& place = places_[node];
    (stream == "err" ? place.err : place.out) = piece.next;
    if (piece.text.empty()) return;
    if (!context_.json) return lines_.take(node, stream == "err", piece.text);
    Event event;
    event.type = "node.output";
    event.run = ref_.id;
    event.data = {{"node", node}, {"stream", stream}, {"attempts", place.attempts}, {"offset", piece.offset}, {"text", piece.text}, {"next", piece.next}};
    print_json(context_, event);
}

void LogFollower::print_end(const NodeResultView& result) {
    if (!printed_.insert(result.node).second) return;
    places_.erase(result.node);
    lines_.end(result.node);
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

awaitable<Result<NodeResultView>> print_node_output(CommandContext& context, const OpenService& open, NodeRef ref, bool follow) {
    const StopToken never;
    Reconnect reconnect(context, open);
    NodeOutputQuery query;
    query.id = std::move(ref.id);
    query.node = std::move(ref.node);
    if (follow) query.wait = piece_wait;
    const auto& streams = context.streams;
    while (true) {
        const auto asked = std::chrono::steady_clock::now();
        auto piece = co_await open.service->output_piece(query);
        if (!piece && !co_await reconnect.after(piece.error())) co_return piece.error();
        if (!piece) continue;
        reconnect.reached();
        const bool nothing = piece->out.text.empty() && piece->err.text.empty();
        if (context.json && !nothing) print_json(context, *piece);
        if (!context.json) {
            write_bytes(streams.out, streams.out_terminal, streams.colour, piece->out.text);
            write_bytes(streams.err, streams.err_terminal, streams.colour, piece->err.text);
        }
        query.attempts = piece->result.attempts;
        query.out = piece->out.next;
        query.err = piece->err.next;
        if (piece->ended || (nothing && !follow)) {
            if (context.json && nothing) print_json(context, *piece);
            co_return std::move(piece->result);
        }
        if (nothing && std::chrono::steady_clock::now() - asked < in_vain_pause) co_await pause_for(in_vain_pause, never);
    }
}

} // namespace loom
