#pragma once
#include "core/run/service.hpp"

namespace loom {

/// The service of a daemon, through its unix socket: the endpoint table seen from the other side. One connection a
/// request. Every answer comes within limits::http_reply_time; Errc::unavailable when no daemon answers, and the
/// daemon's own errors as they were. The daemon knows the caller by its peer credentials, so `Caller` is not sent.
std::unique_ptr<Service> create_http_service(std::string socket_path);

} // namespace loom
