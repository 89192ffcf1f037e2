#pragma once
#include "core/run/views.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace loom {

/// One frame of server-sent events (HTML Living Standard, 9.2.6): `id`, `event`, and the event's JSON as `data`.
std::string to_sse(const Event& event);

/// The other way: takes bytes as they come, gives whole events. Comments and unknown fields are skipped; an event whose
/// data is no JSON object, or a line past limits::http_event_bytes, spoils the stream.
class SseReader {
public:
    /// False once the stream is spoiled.
    bool feed(std::string_view bytes);
    std::optional<Event> take();

private:
    bool take_line(std::string_view line);
    bool finish_event();

    std::string line_, data_;
    Event event_;
    std::deque<Event> ready_;
    bool good_ = true;
};

} // namespace loom
