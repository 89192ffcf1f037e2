#include "app/cli/follow.hpp"

#include "app/cli/answer.hpp"
#include "core/async/deadline.hpp"
#include "core/async/stop.hpp"
#include "core/base/limits.hpp"

#include <ostream>
#include <sstream>

namespace loom {
namespace {

constexpr std::chrono::milliseconds redraw_every(200);
constexpr std::chrono::seconds plain_line_every(10); ///< with -v where stderr is no terminal
constexpr std::chrono::milliseconds ask_again_after(500);

using NodeCounts = std::map<std::string, std::uint32_t>;

/// How far a run has come: each node adds one when it starts and one when it ends.
std::uint32_t progress_of(const NodeCounts& counts) {
    std::uint32_t steps = 0;
    for (const auto& [state, nodes] : counts) steps += state == "queued" ? 0 : state == "running" ? nodes : 2 * nodes;
    return steps;
}

} // namespace

Follower::Follower(CommandContext& context, OpenService& open, RunView run)
    : context_(context), service_(*open.service), daemon_(open.daemon), run_(std::move(run)),
      line_(context.streams.err), reconnect_(context, open) {}

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
    while (!has_ended(run_) && ending_ == Followed::Ending::ended) {
        RunRef ref;
        ref.id = run_.id;
        auto watched = co_await service_.watch(ref);
        if (!watched && co_await connects_again(watched.error())) continue;
        if (!watched) co_return watched.error();
        reconnect_.reached();
        stream_ = std::move(*watched);
        while (ending_ == Followed::Ending::ended) {
            // What ends this wait is the run's end, the daemon's, or Ctrl-C through the stream's close.
            auto event = co_await stream_->next();
            if (!event) break;
            apply(*event);
            if (event->type == "gap") co_await refresh();
        }
        stream_.reset();
        if (has_ended(run_) || ending_ != Followed::Ending::ended) break;
        auto now = co_await service_.run(ref);
        if (!now && co_await connects_again(now.error())) continue;
        if (!now) co_return now.error();
        run_ = std::move(*now);
        if (!has_ended(run_)) co_await pause_for(ask_again_after, never);
    }
    co_return Result<void>();
}

/// The run goes on meanwhile, and its events begin with what it is then.
awaitable<bool> Follower::connects_again(Error error) {
    if (ending_ != Followed::Ending::ended) co_return false;
    error.message += "; the run goes on";
    std::function<void()> before = [this] { line_.clear(); };
    co_return co_await reconnect_.after(error, std::move(before));
}

awaitable<void> Follower::refresh() {
    RunRef ref;
    ref.id = run_.id;
    auto now = co_await service_.run(ref);
    if (now) run_ = std::move(*now);
}

void Follower::apply(const Event& event) {
    if (event.type == "snapshot" || event.type == "run.finished") {
        if (auto run = from_json<RunView>(event.data)) run_ = std::move(*run);
    } else if (event.type == "node.tried" && context_.verbose) {
        show_tried(event);
    } else if (event.type == "run.stalled" && daemon_) { // in process the log has said so
        line_.clear();
        say_message(context_, event);
    } else if (const auto* counts = event.data.if_contains("counts")) {
        auto told = boost::json::try_value_to<NodeCounts>(*counts);
        // Events that were under way when the snapshot was taken are older than it.
        if (told && progress_of(*told) > progress_of(run_.counts)) run_.counts = std::move(*told);
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
    const int cancels = daemon_ ? 2 : 1; // which Ctrl-C does; one more leaves at once
    const int seen = *interrupts_;
    handled_ = seen;
    line_.clear();
    if (seen < cancels) {
        say(context_, "Detached; the run goes on in the daemon, unless you press Ctrl-C again now: that cancels it.\n  look:   " +
                          command_hint(context_, {"logs", run_.id}) +
                          "\n  cancel: " + command_hint(context_, {"cancel", run_.id}));
        const bool rung = co_await bell_->wait_for(context_.detach_grace);
        if (rung) co_return; // by another Ctrl-C, which is handled next, or by the run's end
        ending_ = Followed::Ending::detached;
    } else if (seen == cancels) {
        say(context_, "Cancelling the run; press Ctrl-C again to leave at once.");
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
