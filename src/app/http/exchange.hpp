#pragma once
#include "app/http/socket_file.hpp"
#include "app/http/table.hpp"
#include "core/run/service.hpp"

namespace loom {

/// One request to a daemon, and what the reply must be.
struct HttpCall {
    HttpMethod method = HttpMethod::get;
    std::string target, body;
};

/// The body of a 2xx reply; any other reply as its Error. Runs on the caller's executor (a strand).
awaitable<Result<std::string>> exchange(std::string socket_path, HttpCall call);

/// The same for an event stream, which then lives on the caller's executor.
awaitable<Result<std::unique_ptr<EventStream>>> open_events(std::string socket_path, HttpCall call);

} // namespace loom
