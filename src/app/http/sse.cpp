#include "app/http/sse.hpp"

#include "core/base/limits.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {

std::string to_sse(const Event& event) {
    return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.type, boost::json::serialize(event.data));
}

bool SseReader::feed(std::string_view bytes) {
    while (good_ && !bytes.empty()) {
        const auto end = bytes.find('\n');
        line_ += bytes.substr(0, end);
        if (line_.size() > limits::http_event_bytes) return good_ = false;
        if (end == std::string_view::npos) break;
        bytes.remove_prefix(end + 1);
        if (line_.ends_with('\r')) line_.pop_back();
        good_ = take_line(line_);
        line_.clear();
    }
    return good_;
}

std::optional<Event> SseReader::take() {
    if (ready_.empty()) return std::nullopt;
    auto event = std::move(ready_.front());
    ready_.pop_front();
    return event;
}

bool SseReader::take_line(std::string_view line) {
    if (line.empty()) return finish_event();
    const auto colon = line.find(':');
    const auto field = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "id") {
        std::from_chars(value.data(), value.data() + value.size(), event_.id);
    } else if (field == "event") {
        event_.type = value;
    } else if (field == "data") {
        if (!data_.empty()) data_ += '\n';
        data_ += value;
    }
    return data_.size() <= limits::http_event_bytes;
}

bool SseReader::finish_event() {
    if (data_.empty()) {
        event_ = {};
        return true;
    }
    boost::system::error_code ec;
    auto json = boost::json::parse(data_, ec);
    if (ec || !json.is_object()) return false;
    event_.data = std::move(json.get_object());
    ready_.push_back(std::move(event_));
    event_ = {};
    data_.clear();
    return true;
}

} // namespace loom
