#include "app/http/event_pump.hpp"

#include "app/http/sse.hpp"
#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"

#include <utility>

namespace loom {
namespace {

/// Of one reader, beside what it is being sent: output comes in large events.
constexpr std::size_t waiting_bytes = 256u << 10;

} // namespace

EventPump::EventPump(Stream& stream, std::unique_ptr<EventStream> events, Times times, std::string head)
    : stream_(stream), head_(std::move(head)), events_(std::move(events)), times_(times), arrived_(stream.executor()),
      taken_(stream.executor()) {}

void EventPump::finish() { events_->close(); }

/// Nobody reads any more.
void EventPump::stop() {
    stopped_ = true;
    events_->close();
    arrived_.ring();
    taken_.ring();
}

awaitable<void> EventPump::run() {
    const auto executor = co_await asio::this_coro::executor;
    Scope children(executor);
    auto reading = [this] { return read_events(); };
    auto watching = [this] { return watch_hangup(); };
    children.spawn(reading);
    children.spawn(watching);
    std::string text = std::move(head_);
    while (co_await write(std::move(text))) {
        if (!co_await may_still()) break;
        text = take_text();
        if (!text.empty()) continue;
        if (ended_ || stopped_) break;
        const bool rung = co_await arrived_.wait_for(times_.heartbeat);
        if (!rung) text = ": still here\n\n"; // shows both sides that the connection is alive
    }
    stop();
    stream_.cancel(); // ends the watch for a hang-up
    co_await children.join();
}

awaitable<bool> EventPump::may_still() {
    const auto now = std::chrono::steady_clock::now();
    if (!may_go_on || now - asked_ < times_.heartbeat) co_return true;
    asked_ = now;
    co_return co_await may_go_on();
}

std::string EventPump::take_text() {
    waiting_events_ = 0;
    taken_.ring();
    return std::exchange(waiting_, {});
}

awaitable<void> EventPump::read_events() {
    while (!stopped_) {
        // What ends this wait is the end of the run, of the client or of the server: all call the stream's close.
        auto event = co_await events_->next();
        if (!event) break;
        waiting_ += to_sse(*event);
        ++waiting_events_;
        arrived_.ring();
        while ((waiting_events_ >= limits::http_events_waiting || waiting_.size() >= waiting_bytes) && !stopped_) co_await taken_.wait();
    }
    ended_ = true;
    arrived_.ring();
}

/// A client has nothing more to say on this connection: whatever can be read is its end.
awaitable<void> EventPump::watch_hangup() {
    if (stopped_) co_return;
    char byte = 0;
    const auto into = asio::buffer(&byte, 1);
    const auto read = co_await stream_.read_some(into);
    if (read.error != asio::error::operation_aborted) stop();
}

awaitable<bool> EventPump::write(std::string text) {
    if (text.empty()) co_return true;
    co_return co_await write_in_pieces(stream_, text, times_.write);
}

} // namespace loom
