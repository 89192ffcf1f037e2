#include "core/run/change_feed.hpp"

#include "core/async/bell.hpp"
#include "core/async/offload.hpp"
#include "core/base/limits.hpp"
#include "core/run/json.hpp"
#include "core/run/to_views.hpp"

#include <boost/json.hpp>
#include <atomic>
#include <deque>
#include <mutex>
#include <set>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::size_t page_changes = 256; ///< read at once by who is behind

Event gap_event(std::uint64_t number) {
    Event gap;
    gap.id = number;
    gap.type = "gap";
    return gap;
}

} // namespace

Event to_event(const StateChange& change) {
    auto view = to_view(change.run);
    view.state = to_string(change.state);
    const bool ended = terminal(change.state);
    if (!ended) {
        view.finished.reset();
        view.message.clear();
        view.counts.clear();
    }
    Event event;
    event.id = change.number;
    event.type = "run";
    event.run = view.id;
    event.data["specversion"] = "1.0";
    event.data["id"] = std::to_string(change.number);
    event.data["source"] = "/api/v1/runs/" + view.id;
    event.data["type"] = fmt::format("loom.run.{}", view.state);
    event.data["subject"] = view.job;
    event.data["time"] = ended && view.finished ? *view.finished : view.started;
    event.data["datacontenttype"] = "application/json";
    event.data["data"] = to_json(view);
    return event;
}

struct ChangeFeed::State : std::enable_shared_from_this<State> {
    State(std::shared_ptr<ChangeLog> asked, const Executor& where) : log(std::move(asked)), executor(where) {}

    std::shared_ptr<ChangeLog> log;
    Executor executor; ///< the log's
    std::mutex mutex;  ///< guards what follows
    std::deque<Event> recent; ///< without a hole, up to `newest`
    std::uint64_t newest = 0;
    bool known = false;   ///< `newest` is
    bool reading = false, again = false;
    bool closed = false;
    std::set<std::shared_ptr<Bell>> bells;

    /// On the log's thread: takes in what is new, and wakes the listeners.
    void read_new() {
        for (bool more = true; more;) {
            std::uint64_t from = 0;
            {
                const std::lock_guard lock(mutex);
                from = newest;
                again = false;
            }
            const auto page = log->after(from, page_changes);
            const std::lock_guard lock(mutex);
            more = page && page->items.size() == page_changes;
            if (page) take(*page);
            more = more || again;
            if (!more) reading = false;
            for (const auto& bell : bells) bell->ring();
        }
    }

    void take(const ChangePage& page) {
        if (page.lost) recent.clear();
        for (const auto& change : page.items) {
            recent.push_back(to_event(change));
            newest = change.number;
        }
        while (recent.size() > limits::event_queue) recent.pop_front();
    }

    /// Whether the memory goes on right behind this number; under the mutex.
    bool remembers(std::uint64_t number) const { return number >= newest || (!recent.empty() && recent.front().id <= number + 1); }
};

class ChangeFeed::Stream final : public EventStream {
public:
    Stream(std::shared_ptr<State> state, std::uint64_t after, const Executor& executor)
        : state_(std::move(state)), last_(after), bell_(std::make_shared<Bell>(executor)) {
        const std::lock_guard lock(state_->mutex);
        if (!state_->closed) state_->bells.insert(bell_);
    }
    ~Stream() override { leave(); }

    awaitable<std::optional<Event>> next() override {
        const auto state = state_;
        const auto bell = bell_;
        while (!ended_) {
            bool behind = false;
            {
                const std::lock_guard lock(state->mutex);
                if (!page_.empty()) {
                    std::optional<Event> event(std::move(page_.front()));
                    page_.pop_front();
                    last_ = std::max(last_, event->id);
                    co_return event;
                }
                behind = !state->remembers(last_);
                if (!behind) {
                    for (auto at = first_after(); at != state->recent.end() && page_.size() < page_changes; ++at) page_.push_back(*at);
                    if (page_.empty() && state->closed) co_return std::nullopt;
                }
            }
            if (!page_.empty()) continue;
            // Ends with the next change, or with the feed or the listener's close.
            if (behind) co_await read_behind();
            else co_await bell->wait();
        }
        co_return std::nullopt;
    }

    void close() override {
        ended_ = true;
        bell_->ring();
    }

private:
    std::deque<Event>::iterator first_after() {
        return std::ranges::upper_bound(state_->recent, last_, {}, &Event::id);
    }

    awaitable<void> read_behind() {
        auto ask = [state = state_, from = last_] { return state->log->after(from, page_changes); };
        const auto page = co_await offload(state_->executor, std::move(ask));
        if (!page) {
            ended_ = true; // who comes back with the last id begins here again
            co_return;
        }
        if (page->lost) page_.push_back(gap_event(page->items.empty() ? page->newest : page->items.front().number - 1));
        for (const auto& change : page->items) page_.push_back(to_event(change));
        if (page->items.empty() && !page->lost) last_ = std::max(last_, page->newest);
    }

    void leave() {
        const std::lock_guard lock(state_->mutex);
        state_->bells.erase(bell_);
    }

    std::shared_ptr<State> state_;
    std::uint64_t last_;
    std::shared_ptr<Bell> bell_;
    std::deque<Event> page_; ///< taken and not yet given
    std::atomic<bool> ended_{false};
};

ChangeFeed::ChangeFeed(std::shared_ptr<ChangeLog> log, const Executor& log_executor) : state_(std::make_shared<State>(std::move(log), log_executor)) {}

ChangeFeed::~ChangeFeed() { close(); }

void ChangeFeed::ring() {
    {
        const std::lock_guard lock(state_->mutex);
        if (!state_->log || !state_->known || state_->closed) return; // nobody has listened yet
        state_->again = true;
        if (std::exchange(state_->reading, true)) return;
    }
    asio::post(state_->executor, [state = state_] { state->read_new(); });
}

awaitable<Result<std::unique_ptr<EventStream>>> ChangeFeed::subscribe(std::optional<std::uint64_t> after, Executor executor) {
    const auto state = state_;
    if (!state->log) co_return Error{Errc::unavailable, "only a daemon has a stream of all runs"};
    auto ask = [state] { return state->log->after(UINT64_MAX >> 1, 1); };
    const auto now = co_await offload(state->executor, std::move(ask));
    if (!now) co_return now.error();
    {
        const std::lock_guard lock(state->mutex);
        if (!std::exchange(state->known, true)) state->newest = now->newest;
    }
    // An id of another ledger, or one from before a backup was put back: what it stands for is not known.
    auto from = std::min(after.value_or(now->newest), now->newest);
    std::unique_ptr<EventStream> stream = std::make_unique<Stream>(state, from, executor);
    co_return stream;
}

void ChangeFeed::close() {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
    for (const auto& bell : state_->bells) bell->ring();
}

} // namespace loom
