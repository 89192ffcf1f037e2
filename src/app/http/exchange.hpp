#pragma once
#include "app/http/server_address.hpp"
#include "app/http/table.hpp"
#include "core/run/service.hpp"

#include <memory>

namespace loom {

/// One request to a daemon, and what the reply must be.
struct HttpCall {
    HttpMethod method = HttpMethod::get;
    std::string target, body;
    std::string key; ///< its Idempotency-Key; empty: none
    std::shared_ptr<bool> sent = std::make_shared<bool>(false); ///< set once a connection stands: the daemon may have read it
};

/// The body of a 2xx reply; any other reply as its Error. Runs on the caller's executor (a strand).
awaitable<Result<std::string>> exchange(ServerAddress server, HttpCall call);

/// The same for an event stream, which then lives on the caller's executor.
awaitable<Result<std::unique_ptr<EventStream>>> open_events(ServerAddress server, HttpCall call);

} // namespace loom
