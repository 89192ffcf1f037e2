#pragma once
#include "app/http/connections.hpp"
#include "app/http/event_pump.hpp"
#include "app/http/message.hpp"
#include "app/http/origin.hpp"
#include "app/http/peer.hpp"
#include "app/http/plain_route.hpp"
#include "app/http/request_reader.hpp"
#include "app/http/router.hpp"
#include "core/async/stop.hpp"
#include "core/model/access.hpp"

namespace loom {

/// Who a bearer token stands for; Errc::denied says why it stands for nobody. Any executor.
using TokenCheck = std::function<awaitable<Result<Principal>>(std::string token)>;

/// What all sessions of a server share; immutable but for the stop and the count of connections.
struct HttpShared {
    Service& service;
    Executor blocking;
    HttpLimits limits;
    TokenCheck check_token; ///< empty: no token is good
    std::vector<PlainRoute> routes;
    std::function<std::optional<std::string>()> unready; ///< why no work is taken; empty: it always is
    Connections connections;
    StopToken stop;
};

/// How a connection came in.
struct Arrival {
    std::string address;             ///< numeric; empty: the unix socket
    const HostRule* hosts = nullptr; ///< the listener's
    std::optional<uid_t> user;       ///< on the unix socket: whom the kernel names, and the rule lets in
};

/// One connection: requests one after the other, each checked, admitted, routed and answered, whatever carries its bytes.
/// Lives on the stream's strand. At the server's stop an idle session closes, a working one first answers.
class HttpSession {
public:
    HttpSession(std::unique_ptr<Stream> stream, Arrival arrival, HttpShared& shared)
        : stream_(std::move(stream)), arrival_(std::move(arrival)), shared_(shared), reader_(*stream_, shared.limits) {}

    Executor executor() { return stream_->executor(); }
    /// Before `run`.
    void hold(Connections::Ticket ticket) { ticket_.emplace(std::move(ticket)); }
    /// Never throws: an exception out of a handler ends the connection and is logged.
    awaitable<void> run();
    void close() { stream_->close(); }

private:
    awaitable<void> serve();
    awaitable<bool> shake_hands();
    awaitable<bool> serve_one();
    /// The request's body, once it is known who sends it; false: it was refused, or the client left.
    awaitable<bool> read_body(HttpRequest& request);
    awaitable<bool> respond(HttpRequest request);
    /// What is told to somebody who may not; nothing: `caller` may.
    awaitable<std::optional<HttpResponse>> admit(const HttpRequest& request, AccessScope scope, Touches touches, Principal& caller);
    awaitable<bool> call_plain(const PlainRoute& route, HttpRequest request);
    awaitable<bool> call_api(HttpRequest request);
    /// Nothing: the client left while it waited.
    awaitable<std::optional<Result<HttpAnswer>>> call_route(const HttpRoute& route, HttpRequest& request, Principal caller, HttpInput input);
    awaitable<void> watch_hangup();
    awaitable<bool> send_events(const HttpRequest& request, std::unique_ptr<EventStream> events);
    awaitable<bool> send(const HttpRequest& request, HttpResponse response);
    awaitable<void> refuse(Rejection why);

    std::unique_ptr<Stream> stream_;
    Arrival arrival_;
    HttpShared& shared_;
    std::optional<Connections::Ticket> ticket_;
    RequestReader reader_;
    std::optional<Principal> peer_; ///< the arrival's user, looked up when it is first needed
    EventPump* pump_ = nullptr; ///< while events are streamed
    bool idle_ = true;     ///< no whole request has come yet
    bool gone_ = false;    ///< the client, while its request waited
    bool token_ended_ = false; ///< meanwhile
    bool refused_ = false; ///< the client may still be sending what nobody reads
};

} // namespace loom
