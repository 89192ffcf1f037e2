#include "core/run/event_bus.hpp"

#include "core/async/bell.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"

#include <algorithm>
#include <unordered_set>

namespace loom {

struct EventBus::Listener {
    Listener(const Executor& executor, std::shared_ptr<std::atomic<std::size_t>> close_ones)
        : bell(executor), close_listeners(std::move(close_ones)) {
        if (close_listeners) ++*close_listeners;
    }
    ~Listener() {
        if (close_listeners) --*close_listeners;
    }
    bool closely() const { return close_listeners != nullptr; }

    Bell bell;
    std::shared_ptr<std::atomic<std::size_t>> close_listeners; ///< null: this one is not one of them
    std::mutex mutex;
    std::deque<Event> queue;
    std::unordered_set<std::string> printed; ///< nodes whose `node.printed` waits: beyond the bound of the queue, and bounded by the run
    bool ended = false, overflowed = false;

    void push(Event event) {
        add([&] {
            if (queue.size() - printed.size() < limits::event_queue) queue.push_back(std::move(event));
            else overflowed = true;
        });
    }
    void push_if_room(const Event& event) {
        add([&] {
            if (queue.size() - printed.size() < limits::event_queue / 2) queue.push_back(event);
        });
    }
    void mark(const std::string& node, std::string_view run) {
        add([&] {
            if (!printed.insert(node).second) return;
            auto& event = queue.emplace_back();
            event.type = "node.printed";
            event.run = run;
            event.data["node"] = node;
        });
    }

    template <class Change>
    void add(Change change) {
        bool was_empty = false;
        {
            const std::lock_guard lock(mutex);
            was_empty = queue.empty();
            change();
        }
        // Who has not taken all of it looks again before it waits.
        if (was_empty) bell.ring();
    }

    std::optional<Event> take() {
        if (queue.empty()) return std::nullopt;
        std::optional<Event> event(std::move(queue.front()));
        queue.pop_front();
        if (event->type == "node.printed") printed.erase(std::string(event->data.at("node").as_string()));
        return event;
    }

    void end() {
        {
            const std::lock_guard lock(mutex);
            ended = true;
        }
        bell.ring();
    }
};

class EventBus::Stream final : public EventStream {
public:
    explicit Stream(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}

    awaitable<std::optional<Event>> next() override {
        const auto listener = listener_;
        for (;;) {
            {
                const std::lock_guard lock(listener->mutex);
                auto event = listener->take();
                if (event) co_return event;
                if (std::exchange(listener->overflowed, false)) {
                    std::optional<Event> gap(std::in_place);
                    gap->type = "gap";
                    co_return gap;
                }
                if (listener->ended) co_return std::nullopt;
            }
            // Ends with the run: each run has a deadline and publishes its end.
            co_await listener->bell.wait();
        }
    }

    void close() override { listener_->end(); }

private:
    std::shared_ptr<Listener> listener_;
};

bool EventBus::watched(const std::string& run) {
    const std::lock_guard lock(mutex_);
    return listeners_.contains(run);
}

std::vector<std::shared_ptr<EventBus::Listener>> EventBus::listeners_of(const std::string& run) {
    std::vector<std::shared_ptr<Listener>> all;
    const std::lock_guard lock(mutex_);
    for (auto [at, end] = listeners_.equal_range(run); at != end;) {
        auto listener = at->second.lock();
        if (!listener) {
            at = listeners_.erase(at);
            continue;
        }
        all.push_back(std::move(listener));
        ++at;
    }
    return all;
}

void EventBus::publish(const std::string& run, std::string type, boost::json::object data) {
    Event event;
    event.type = std::move(type);
    event.run = run;
    event.data = std::move(data);
    const auto told = listeners_of(run);
    event.id = ++last_id_;
    // The last one gets the event itself. Most runs have one listener, and a copy of a node's JSON and its end took 10
    // thousand of the 250 thousand instructions of a command on a kept session.
    for (std::size_t i = 0; i + 1 < told.size(); ++i) told[i]->push(event);
    if (!told.empty()) told.back()->push(std::move(event));
    failpoint("event.published");
}

void EventBus::tell_closely(const std::string& run, std::string type, boost::json::object data) {
    Event event;
    event.type = std::move(type);
    event.run = run;
    event.data = std::move(data);
    event.id = ++last_id_;
    for (const auto& listener : listeners_of(run))
        if (listener->closely()) listener->push_if_room(event);
}

void EventBus::mark_printed(const std::string& run, const std::string& node) {
    for (const auto& listener : listeners_of(run))
        if (listener->closely()) listener->mark(node, run);
}

void EventBus::finish(const std::string& run) {
    const std::lock_guard lock(mutex_);
    for (auto [at, end] = listeners_.equal_range(run); at != end; at = listeners_.erase(at))
        if (const auto listener = at->second.lock()) listener->end();
}

std::unique_ptr<EventStream> EventBus::subscribe(const std::string& run, const Executor& executor, bool closely) {
    auto listener = std::make_shared<Listener>(executor, closely ? close_listeners_ : nullptr);
    {
        const std::lock_guard lock(mutex_);
        listeners_.emplace(run, listener);
    }
    return std::make_unique<Stream>(std::move(listener));
}

void EventBus::close() {
    const std::lock_guard lock(mutex_);
    for (const auto& [run, weak] : listeners_)
        if (const auto listener = weak.lock()) listener->end();
    listeners_.clear();
}

} // namespace loom
