#pragma once
#include "app/http/listener.hpp"
#include "app/http/session.hpp"
#include "core/async/strands.hpp"
#include "core/model/catalog.hpp"

namespace loom {

struct HttpServerParts {
    Strands strands;   ///< connections live on them in turn
    Executor blocking; ///< for look-ups in the user database
    Service& service;  ///< outlives the server
    std::string socket_path;
    std::string socket_group; ///< empty: none
    HttpSettings settings;    ///< the TCP addresses, and the limits
    TokenCheck check_token;
    std::vector<PlainRoute> routes;
    std::function<std::optional<std::string>()> unready; ///< why no work is taken right now: for /readyz
};

/// The daemon's door: the endpoint table, the plain routes and /healthz, on a unix socket and the TCP addresses of the
/// settings. Whoever made it calls `close` before it goes.
class HttpServer {
public:
    /// Listens at once and accepts from then on. Blocks on the file system: not for an io thread.
    static Result<std::unique_ptr<HttpServer>> create(HttpServerParts parts);

    HttpServer(HttpServerParts parts, PeerRule rule, std::vector<std::unique_ptr<Listener>> listeners);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Reads all certificates anew; where that fails the old one stays, and the log and the reply say why. Blocks.
    std::vector<Problem> read_certificates();
    /// `https://…` of each TCP address.
    std::vector<std::string> addresses() const;

    /// Stops accepting, ends idle connections, and event streams after their last event, lets running requests answer, and
    /// removes the socket file. Any executor; returns when the last connection is gone.
    awaitable<void> close();

private:
    awaitable<void> accept(Listener& listener);
    void take(Listener& listener, StreamSocket socket);
    awaitable<void> shut();

    Executor strand_; ///< owns the acceptors and both scopes
    std::string path_;
    PeerRule rule_;
    HttpShared shared_;
    Strands strands_;
    std::size_t taken_ = 0; ///< connections so far
    std::vector<std::unique_ptr<Listener>> listeners_;
    Scope accepting_, sessions_;
};

} // namespace loom
