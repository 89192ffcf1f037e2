#include "app/http/event_pump.hpp"

#include "app/http/sse.hpp"
#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace loom {

EventPump::EventPump(UnixSocket& socket, std::unique_ptr<EventStream> events, Times times)
    : socket_(socket), events_(std::move(events)), times_(times), arrived_(socket.get_executor()),
      taken_(socket.get_executor()) {}

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
    // The body ends with the connection: no length, no chunks.
    std::string text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                       "Connection: close\r\n\r\n";
    while (co_await write(std::move(text))) {
        text = take_text();
        if (!text.empty()) continue;
        if (ended_ || stopped_) break;
        const bool rung = co_await arrived_.wait_for(times_.heartbeat);
        if (!rung) text = ": still here\n\n"; // shows both sides that the connection is alive
    }
    stop();
    // Ends the watch for a hang-up; what was written still reaches the client.
    error_code ignored;
    socket_.shutdown(UnixSocket::shutdown_send, ignored);
    socket_.cancel(ignored);
    co_await children.join();
}

std::string EventPump::take_text() {
    std::string text;
    for (const auto& event : waiting_) text += to_sse(event);
    waiting_.clear();
    taken_.ring();
    return text;
}

awaitable<void> EventPump::read_events() {
    while (!stopped_) {
        // What ends this wait is the end of the run, of the client or of the server: all call the stream's close.
        auto event = co_await events_->next();
        if (!event) break;
        waiting_.push_back(std::move(*event));
        arrived_.ring();
        while (waiting_.size() >= limits::http_events_waiting && !stopped_) co_await taken_.wait();
    }
    ended_ = true;
    arrived_.ring();
}

/// A client has nothing more to say on this connection: whatever can be read is its end.
awaitable<void> EventPump::watch_hangup() {
    if (stopped_) co_return;
    auto [ec] = co_await socket_.async_wait(UnixSocket::wait_read, tup);
    if (!ec) stop();
}

awaitable<bool> EventPump::write(std::string text) {
    if (text.empty()) co_return true;
    auto close = [this] {
        error_code ignored;
        socket_.close(ignored);
    };
    const Deadline deadline(socket_.get_executor(), times_.write, close);
    const auto bytes = asio::buffer(text);
    auto [ec, written] = co_await asio::async_write(socket_, bytes, tup);
    co_return !ec && written == text.size();
}

} // namespace loom
