#pragma once
#include "app/http/session.hpp"

namespace loom {

struct HttpServerParts {
    Executor executor; ///< the io pool
    Executor blocking; ///< for look-ups in the user database
    Service& service;  ///< outlives the server
    std::string socket_path;
    std::string socket_group; ///< empty: none
    HttpTimes times;
};

/// The daemon's door: the endpoint table on a unix socket, and /healthz. Whoever made it calls `close` before it goes.
class HttpServer {
public:
    /// Listens at once and accepts from then on. Blocks on the file system: not for an io thread.
    static Result<std::unique_ptr<HttpServer>> create(HttpServerParts parts);

    HttpServer(HttpServerParts parts, PeerRule rule, UnixAcceptor acceptor);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Stops accepting, ends idle connections, and event streams after their last event, lets running requests answer, and
    /// removes the socket file. Any executor; returns when the last connection is gone.
    awaitable<void> close();

private:
    awaitable<void> accept();
    awaitable<void> shut();

    Executor strand_; ///< owns the acceptor and both scopes
    std::string path_;
    HttpShared shared_;
    Executor pool_;
    UnixAcceptor acceptor_;
    Scope accepting_, sessions_;
};

} // namespace loom
