#include "core/run/watching.hpp"

#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"
#include "core/run/history.hpp"
#include "core/run/json.hpp"
#include "core/run/to_views.hpp"
#include "core/run/watch_stream.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

awaitable<Result<std::unique_ptr<EventStream>>> watch_run(Journal& journal, EventBus& bus, const Dispatcher& dispatcher, RunRef request) {
    auto found = co_await find_run(journal, std::move(request.id));
    if (!found) co_return found.error();
    const auto executor = co_await asio::this_coro::executor;
    // Listening begins before the state is read, so that nothing falls between the two.
    auto rest = bus.subscribe(found->id, executor);
    auto now = co_await find_run(journal, found->id);
    if (!now) co_return now.error();
    const bool open = !terminal(now->state);
    const bool here = open && dispatcher.has(now->id);
    Event first;
    first.type = open ? "snapshot" : "run.finished";
    first.run = now->id;
    first.data = to_json(to_view(*now)).as_object();
    if (!here) rest.reset();
    std::unique_ptr<EventStream> stream = std::make_unique<WatchStream>(std::move(first), std::move(rest));
    co_return stream;
}

awaitable<Result<RunView>> look_at_run(Journal& journal, EventBus& bus, const Dispatcher& dispatcher, RunQuery query) {
    Milliseconds most(0);
    if (!query.wait.empty()) {
        const auto parsed = parse_duration(query.wait);
        if (!parsed) co_return usage_error("wait: " + parsed.error().message);
        if (*parsed > limits::run_wait_time) co_return usage_error(fmt::format("wait: at most {}", short_duration(limits::run_wait_time)));
        most = *parsed;
    }
    auto found = co_await find_run(journal, std::move(query.id));
    if (!found) co_return found.error();
    if (most.count() > 0 && !terminal(found->state)) {
        RunRef ref;
        ref.id = found->id;
        auto stream = co_await watch_run(journal, bus, dispatcher, std::move(ref));
        if (!stream) co_return stream.error();
        const auto executor = co_await asio::this_coro::executor;
        auto expired = [events = stream->get()] { events->close(); };
        const Deadline deadline(executor, most, expired);
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
