#pragma once
#include "app/http/server_address.hpp"
#include "core/run/service.hpp"

namespace loom {

/// The service of a daemon, through its unix socket or over the network: the endpoint table seen from the other side. One
/// connection a request. Every answer comes within limits::http_reply_time; Errc::unavailable when no daemon answers, and the
/// daemon's own errors as they were. The daemon knows the caller by its peer credentials or by the token, so `Caller` is not
/// sent. A request that starts a run is sent again when a connection over the network breaks, and starts one run all the same.
std::unique_ptr<Service> create_http_service(ServerAddress server);

} // namespace loom
