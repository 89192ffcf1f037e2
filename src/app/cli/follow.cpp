#include "app/cli/follow.hpp"

#include "app/cli/answer.hpp"
#include "core/async/deadline.hpp"
#include "core/async/stop.hpp"

#include <ostream>
#include <sstream>

namespace loom {
namespace {

constexpr std::chrono::milliseconds redraw_every(200);
constexpr std::chrono::seconds plain_line_every(10); ///< with -v where stderr is no terminal
constexpr std::chrono::milliseconds ask_again_after(500);

} // namespace

Follower::Follower(CommandContext& context, OpenService& open, RunView run)
    : context_(context), service_(*open.service), daemon_(open.daemon), run_(std::move(run)),
      line_(context.streams.err) {}

awaitable<Result<Followed>> Follower::follow() {
    const auto executor = co_await asio::this_coro::executor;
    bell_ = std::make_unique<Bell>(executor);
    const auto count = [interrupts = interrupts_, bell = *bell_] {
        ++*interrupts;
        bell.ring();
    };
    if (context_.on_interrupt) context_.on_interrupt(count);
    Scope children(executor);
    auto ticking = [this] { return tick(); };
    children.spawn(ticking);
    auto watched = co_await watch();
    done_ = true;
    bell_->ring();
    co_await children.join();
    if (context_.on_interrupt) context_.on_interrupt({});
    line_.clear();
    if (!watched) co_return watched.error();
    Followed followed;
    followed.run = run_;
    followed.ending = ending_;
    followed.interrupted = handled_ > 0;
    co_return followed;
}

/// Streams end early too: a slow listener, a daemon that restarts. The run itself says whether it has ended.
awaitable<Result<void>> Follower::watch() {
    const StopToken never;
    while (!ended() && ending_ == Followed::Ending::ended) {
        RunRef ref;
        ref.id = run_.id;
        auto watched = co_await service_.watch(ref);
        if (!watched) co_return watched.error();
        stream_ = std::move(*watched);
        while (ending_ == Followed::Ending::ended) {
            // What ends this wait is the run's end, the daemon's, or Ctrl-C through the stream's close.
            auto event = co_await stream_->next();
            if (!event) break;
            apply(*event);
            if (event->type == "gap") co_await refresh();
        }
        stream_.reset();
        if (ended() || ending_ != Followed::Ending::ended) break;
        auto now = co_await service_.run(ref);
        if (!now) co_return now.error();
        run_ = std::move(*now);
        if (!ended()) co_await pause_for(ask_again_after, never);
    }
    co_return Result<void>();
}

awaitable<void> Follower::refresh() {
    RunRef ref;
    ref.id = run_.id;
    auto now = co_await service_.run(ref);
    if (now) run_ = std::move(*now);
}

void Follower::apply(const Event& event) {
    auto& counts = run_.counts;
    const auto move_from = [&](const char* state, std::uint32_t nodes) {
        const auto from = counts.find(state);
        if (from == counts.end()) return std::uint32_t{0};
        const auto moved = std::min(nodes, from->second);
        from->second -= moved;
        return moved;
    };
    if (event.type == "snapshot" || event.type == "run.finished") {
        if (auto run = from_json<RunView>(event.data)) run_ = std::move(*run);
    } else if (event.type == "nodes.started") {
        const auto* nodes = event.data.if_contains("count");
        const auto started = nodes ? boost::json::try_value_to<std::uint32_t>(*nodes) : 0u;
        if (started) counts["running"] += move_from("queued", *started);
    } else if (event.type == "node.tried" && context_.verbose) {
        show_tried(event);
    } else if (event.type == "node.finished") {
        const auto* state = event.data.if_contains("state");
        if (!state || !state->is_string()) return;
        if (move_from("running", 1) == 1 || move_from("queued", 1) == 1) ++counts[std::string(state->get_string())];
    }
}

void Follower::show_tried(const Event& event) {
    const auto* node = event.data.if_contains("node");
    const auto* tried = event.data.if_contains("tried");
    if (!node || !node->is_string() || !tried || !tried->is_string()) return;
    line_.clear();
    std::istringstream lines{std::string(tried->get_string())};
    for (std::string line; std::getline(lines, line);)
        say(context_, std::string(node->get_string()) + ": " + line);
}

awaitable<void> Follower::tick() {
    while (!done_) {
        if (*interrupts_ > handled_) co_await handle_interrupts();
        draw();
        co_await bell_->wait_for(redraw_every);
    }
}

awaitable<void> Follower::handle_interrupts() {
    const int seen = *interrupts_;
    line_.clear();
    if (daemon_) {
        ending_ = Followed::Ending::detached;
    } else if (handled_ == 0 && seen == 1) {
        say(context_, "Cancelling the run; press Ctrl-C again to leave at once.");
        handled_ = seen;
        RunRef ref;
        ref.id = run_.id;
        Caller caller(context_.caller);
        auto cancelled = co_await service_.cancel(std::move(caller), std::move(ref));
        if (!cancelled) fail(context_, cancelled.error());
        co_return;
    } else {
        ending_ = Followed::Ending::left;
        if (context_.leave) context_.leave(130);
    }
    handled_ = seen;
    if (stream_) stream_->close();
}

void Follower::draw() {
    ProgressSnapshot snapshot;
    snapshot.counts = run_.counts;
    snapshot.targets = run_.targets;
    const auto now = std::chrono::steady_clock::now();
    snapshot.elapsed = std::chrono::duration_cast<Milliseconds>(now - began_);
    const auto& streams = context_.streams;
    if (streams.err_terminal) {
        // One column stays free: some terminals wrap after a full line.
        line_.draw(render_progress(std::max<std::size_t>(streams.width(), 2) - 1, snapshot, Paint(streams.colour)));
    } else if (context_.verbose && now - said_ >= plain_line_every) {
        said_ = now;
        say(context_, render_progress(200, snapshot, Paint(false)));
    }
}

Result<Followed> follow_run(CommandContext& context, OpenService& open, RunView run) {
    Follower follower(context, open, std::move(run));
    return context.wait(follower.follow());
}

} // namespace loom
