#pragma once
#include "core/run/views.hpp"
#include "core/schedule/notice.hpp"

#include <utility>

namespace loom {

/// A notification's event (CloudEvents 1.0, JSON), whatever way it goes. `data` holds `rule`, `event`, `title`, `text`, `failures`, `since` and
/// `run`; nothing in it comes from what nodes print. Pure.
boost::json::object cloud_event(const NotifyRule& rule, const Notice& notice, const RunView& run, std::string id, Instant now);

/// What a person reads first: `backup failed`.
std::string notice_title(const Notice& notice, const std::string& job);

/// An HTTP request of the kinds that are one.
struct NotifyRequest {
    std::string method = "POST", url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};
/// What the target's kind makes of the event: signed for a webhook, a message of Slack's or ntfy's, a ping to the URL or (of what is no
/// success) to `URL/fail`. Not for email. Pure.
NotifyRequest notify_request(const NotifyTarget& target, const boost::json::object& event, Instant now);

/// The mail with its headers (RFC 5322), lines ended by CRLF, not yet dot-stuffed. Pure.
std::string mail_text(const NotifyTarget& target, const boost::json::object& event, Instant now);

} // namespace loom
