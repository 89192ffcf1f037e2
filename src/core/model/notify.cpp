#include "core/model/notify.hpp"

namespace loom {

std::string_view to_string(NotifyEvent event) {
    switch (event) {
    case NotifyEvent::first_failure: return "first_failure";
    case NotifyEvent::still_failing: return "still_failing";
    case NotifyEvent::recovery: return "recovery";
    case NotifyEvent::success: return "success";
    case NotifyEvent::missed: return "missed";
    case NotifyEvent::overdue: return "overdue";
    }
    return "";
}

std::optional<NotifyEvent> parse_notify_event(std::string_view text) {
    for (std::size_t i = 0; i < notify_events; ++i)
        if (text == to_string(static_cast<NotifyEvent>(i))) return static_cast<NotifyEvent>(i);
    return std::nullopt;
}

std::string_view to_string(NotifyTarget::Kind kind) {
    switch (kind) {
    case NotifyTarget::Kind::webhook: return "webhook";
    case NotifyTarget::Kind::slack: return "slack";
    case NotifyTarget::Kind::ntfy: return "ntfy";
    case NotifyTarget::Kind::email: return "email";
    case NotifyTarget::Kind::ping: return "ping";
    }
    return "";
}

} // namespace loom
