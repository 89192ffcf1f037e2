#pragma once
#include "app/http/connections.hpp"
#include "app/http/event_pump.hpp"
#include "app/http/message.hpp"
#include "app/http/origin.hpp"
#include "app/http/peer.hpp"
#include "app/http/plain_route.hpp"
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
        : stream_(std::move(stream)), arrival_(std::move(arrival)), shared_(shared) {}

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
    /// The size of the head that stands at the front of the buffer; 0 when none came.
    awaitable<std::size_t> read_head();
    awaitable<bool> read_more();
    /// The whole request, whose head has this size; nothing: it was refused, or the client left.
    awaitable<std::optional<HttpRequest>> read_request(std::size_t head);
    awaitable<bool> respond(HttpRequest request);
    /// What is told to somebody who may not; nothing: `caller` may.
    awaitable<std::optional<HttpResponse>> admit(const HttpRequest& request, AccessScope scope, Touches touches, Principal& caller);
    awaitable<bool> call_plain(const PlainRoute& route, HttpRequest request);
    awaitable<bool> call_api(HttpRequest request);
    awaitable<bool> send_events(const HttpRequest& request, std::unique_ptr<EventStream> events);
    awaitable<bool> send(const HttpRequest& request, HttpResponse response);
    awaitable<void> refuse(unsigned status, std::string detail);

    std::unique_ptr<Stream> stream_;
    Arrival arrival_;
    HttpShared& shared_;
    std::optional<Connections::Ticket> ticket_;
    std::string buffer_; ///< read and not yet used
    std::optional<Principal> peer_; ///< the arrival's user, looked up when it is first needed
    EventPump* pump_ = nullptr; ///< while events are streamed
    bool idle_ = true;     ///< no whole request has come yet
    bool refused_ = false; ///< the client may still be sending what nobody reads
};

} // namespace loom
