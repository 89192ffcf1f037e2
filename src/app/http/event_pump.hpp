#pragma once
#include "app/http/stream.hpp"
#include "core/async/scope.hpp"
#include "core/run/service.hpp"

#include <functional>

namespace loom {

/// Writes a run's events to one client, with a comment whenever it was quiet for a while, until the run has ended, the
/// client has left or `finish` is called. Lives on the stream's strand and outlives its own `run`.
class EventPump {
public:
    struct Times {
        std::chrono::milliseconds heartbeat;
        std::chrono::milliseconds write; ///< a reader that takes longer for a piece is dropped
    };

    EventPump(Stream& stream, std::unique_ptr<EventStream> events, Times times, std::string head);

    /// Asked once a heartbeat: whether the reader may still have events. Empty: always. Before `run`.
    std::function<awaitable<bool>()> may_go_on;

    awaitable<void> run();
    /// No further events: those that have come are written still, for the last of them tells how the run ended. On the
    /// stream's strand.
    void finish();

private:
    void stop();
    awaitable<void> read_events();
    awaitable<void> watch_hangup();
    awaitable<bool> write(std::string text);
    awaitable<bool> may_still();
    std::string take_text();

    Stream& stream_;
    std::string head_;
    std::unique_ptr<EventStream> events_;
    Times times_;
    Bell arrived_, taken_;
    std::string waiting_;         ///< events as they are sent; bounded, then the stream itself drops or waits
    std::size_t waiting_events_ = 0;
    std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now(); ///< `may_go_on`
    bool ended_ = false;
    bool stopped_ = false;
};

} // namespace loom
