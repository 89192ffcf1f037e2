#include "core/run/watching.hpp"

#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"
#include "core/base/utf8.hpp"
#include "core/run/history.hpp"
#include "core/run/json.hpp"
#include "core/run/output_stream.hpp"
#include "core/run/to_views.hpp"
#include "core/run/watch_stream.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// How long a request's `wait` lets it wait.
Result<Milliseconds> wait_of(const std::string& wait) {
    if (wait.empty()) return Milliseconds(0);
    const auto parsed = parse_duration(wait);
    if (!parsed) return usage_error("wait: " + parsed.error().message);
    if (*parsed > limits::run_wait_time) return usage_error(fmt::format("wait: at most {}", short_duration(limits::run_wait_time)));
    return *parsed;
}

OutputPieceView to_view(const OutputPiece& piece, std::uint64_t dropped) {
    OutputPieceView view;
    view.offset = piece.offset;
    view.next = piece.offset + piece.bytes.size();
    view.text = valid_utf8(piece.bytes);
    view.dropped = dropped;
    return view;
}

/// What stands there right now.
awaitable<Result<NodeOutputPiece>> output_now(Journal& journal, const LiveOutputs& live, std::string run, std::string node, OutputPlace place) {
    auto pieces = live.read(run, node, place);
    auto ask = [run, node](RunStore& store) { return store.result(run, node); };
    auto result = co_await journal.read(std::move(ask));
    if (!result) co_return result.error();
    // Between the two the node may have ended, and the ledger has all of it.
    if (terminal(result->outcome.state)) pieces = pieces_of(text_of(*result), place);
    if (!pieces) {
        pieces.emplace();
        pieces->next = place;
        pieces->out.offset = place.out;
        pieces->err.offset = place.err;
    }
    NodeOutputPiece piece;
    piece.result = loom::to_view(*result);
    piece.result.attempts = pieces->next.attempts;
    piece.out = to_view(pieces->out, result->outcome.out.dropped_bytes);
    piece.err = to_view(pieces->err, result->outcome.err.dropped_bytes);
    piece.ended = pieces->last;
    co_return piece;
}

/// Whether it may mean that there is more of this node.
bool speaks_of(const Event& event, const std::string& node) {
    if (event.type == "run.finished" || event.type == "gap") return true;
    if (event.type == "node.printed") return event.data.at("node").as_string() == node;
    return event.type == "node.finished" && event.data.at("result").at("node").as_string() == node;
}

} // namespace

awaitable<Result<std::unique_ptr<EventStream>>> watch_run(Journal& journal, EventBus& bus, const Dispatcher& dispatcher, WatchRun request) {
    auto found = co_await find_run(journal, std::move(request.id));
    if (!found) co_return found.error();
    const auto executor = co_await asio::this_coro::executor;
    // Listening begins before the state is read, so that nothing falls between the two.
    auto rest = bus.subscribe(found->id, executor, request.output);
    auto now = co_await find_run(journal, found->id);
    if (!now) co_return now.error();
    const bool open = !terminal(now->state);
    const bool here = open && dispatcher.has(now->id);
    Event first;
    first.type = open ? "snapshot" : "run.finished";
    first.run = now->id;
    first.data = to_json(to_view(*now)).as_object();
    if (!here) rest.reset();
    else if (request.output) rest = std::make_unique<OutputStream>(std::move(rest), journal, dispatcher.live_outputs(), now->id);
    std::unique_ptr<EventStream> stream = std::make_unique<WatchStream>(std::move(first), std::move(rest));
    co_return stream;
}

awaitable<Result<RunView>> look_at_run(Journal& journal, EventBus& bus, const Dispatcher& dispatcher, RunQuery query) {
    const auto most = wait_of(query.wait);
    if (!most) co_return most.error();
    auto found = co_await find_run(journal, std::move(query.id));
    if (!found) co_return found.error();
    if (most->count() > 0 && !terminal(found->state)) {
        WatchRun watched;
        watched.id = found->id;
        auto stream = co_await watch_run(journal, bus, dispatcher, std::move(watched));
        if (!stream) co_return stream.error();
        const auto executor = co_await asio::this_coro::executor;
        auto expired = [events = stream->get()] { events->close(); };
        const Deadline deadline(executor, *most, expired);
        // What ends this wait is the run's end, or the deadline's close.
        while (!deadline.fired()) {
            const auto event = co_await (*stream)->next();
            if (!event || event->type == "run.finished") break;
        }
        found = co_await find_run(journal, found->id);
        if (!found) co_return found.error();
    }
    co_return to_view(*found);
}

awaitable<Result<NodeOutputPiece>> look_at_output(Journal& journal, EventBus& bus, const Dispatcher& dispatcher, NodeOutputQuery query) {
    const auto most = wait_of(query.wait);
    if (!most) co_return most.error();
    const auto found = co_await find_run(journal, std::move(query.id));
    if (!found) co_return found.error();
    OutputPlace place;
    place.attempts = query.attempts;
    place.out = query.out;
    place.err = query.err;
    const auto executor = co_await asio::this_coro::executor;
    std::unique_ptr<EventStream> events; // before the first look, so that nothing falls between the two
    if (most->count() > 0 && dispatcher.has(found->id)) events = bus.subscribe(found->id, executor, true);
    auto expired = [from = events.get()] {
        if (from) from->close();
    };
    const Deadline deadline(executor, *most, expired);
    for (;;) {
        auto piece = co_await output_now(journal, dispatcher.live_outputs(), found->id, query.node, place);
        if (!piece || piece->ended || !piece->out.text.empty() || !piece->err.text.empty() || !events || deadline.fired()) co_return piece;
        // What ends this wait is more output, the node's end, or the deadline's close.
        while (!deadline.fired()) {
            const auto event = co_await events->next();
            if (!event) events.reset();
            if (!event || speaks_of(*event, query.node)) break;
        }
    }
}

awaitable<Result<std::optional<RunView>>> requested_before(Journal& journal, std::string key, std::string digest) {
    std::optional<RunView> nothing;
    if (key.empty()) co_return nothing;
    auto ask = [key](RunStore& store) { return store.requested(key); };
    const auto known = co_await journal.read(std::move(ask));
    if (!known) co_return known.error();
    if (!*known) co_return nothing;
    if ((*known)->digest != digest) co_return Error{Errc::conflict, "this Idempotency-Key came with another request before"};
    auto run = co_await find_run(journal, (*known)->run);
    if (!run) co_return run.error();
    std::optional<RunView> view(to_view(*run));
    co_return view;
}

} // namespace loom
