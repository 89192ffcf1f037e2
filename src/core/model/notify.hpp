#pragma once
#include "core/base/duration.hpp"
#include "core/base/secret.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// What happened to a job that somebody may want to know.
enum class NotifyEvent : std::uint8_t {
    first_failure, ///< a run failed, and the one before had not
    still_failing, ///< another one did
    recovery,      ///< a run is ok, and the one before had failed
    success,       ///< a run is ok
    missed,        ///< a run did not take place
    overdue,       ///< a run is later, or takes longer, than its job expects
};
inline constexpr std::size_t notify_events = 6;

std::string_view to_string(NotifyEvent event);
std::optional<NotifyEvent> parse_notify_event(std::string_view text);

/// Where a notification goes, and in whose form.
struct NotifyTarget {
    enum class Kind : std::uint8_t { webhook, slack, ntfy, email, ping };
    enum class Tls : std::uint8_t { starttls, tls, none };
    Kind kind = Kind::webhook;
    Secret url; ///< but for email; a Slack hook's and a ping's are secrets themselves
    Secret secret; ///< webhook: signs; ntfy: the token; email: the password
    bool allow_private = false; ///< addresses of the host itself and of its networks
    std::string server; ///< email: a host's name
    std::uint16_t port = 587;
    Tls tls = Tls::starttls;
    std::string user, from;
    std::vector<std::string> to;
    std::string priority; ///< ntfy
};

std::string_view to_string(NotifyTarget::Kind kind);

/// An entry of loom.yaml's `notify`.
struct NotifyRule {
    std::string name;
    std::vector<NotifyEvent> on{NotifyEvent::first_failure, NotifyEvent::recovery, NotifyEvent::missed, NotifyEvent::overdue};
    std::vector<std::string> jobs; ///< patterns with * and ?; empty: every job
    std::uint32_t every = 0;       ///< of still_failing: each so many failures; 0: `after` decides, else each one
    Milliseconds after{0};         ///< of still_failing: once in so long
    NotifyTarget target;
    std::string place;
};

} // namespace loom
