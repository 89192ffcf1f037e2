#pragma once
#include "app/http/event_pump.hpp"
#include "app/http/peer.hpp"
#include "app/http/router.hpp"
#include "core/async/stop.hpp"
#include "core/base/limits.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

namespace loom {

/// The server's bounds; a test makes them small.
struct HttpTimes {
    std::chrono::milliseconds header = limits::http_header_time;
    std::chrono::milliseconds body = limits::http_body_time;
    std::chrono::milliseconds idle = limits::http_idle_time;
    std::chrono::milliseconds heartbeat = limits::http_heartbeat;
    std::size_t connections = limits::http_connections;
};

/// What all sessions of a server share; immutable but for the stop.
struct HttpShared {
    Service& service;
    Executor blocking;
    PeerRule rule;
    HttpTimes times;
    StopToken stop;
};

/// One connection: requests one after the other, each checked, admitted, routed and answered. Lives on the socket's
/// own strand. At the server's stop an idle session closes, a working one first answers.
class HttpSession {
public:
    HttpSession(UnixSocket socket, const HttpShared& shared) : socket_(std::move(socket)), shared_(shared) {}

    Executor executor() { return socket_.get_executor(); }
    /// Never throws: an exception out of a handler ends the connection and is logged.
    awaitable<void> run();

private:
    using Request = boost::beast::http::request<boost::beast::http::string_body>;
    using Response = boost::beast::http::response<boost::beast::http::string_body>;

    awaitable<void> serve();
    awaitable<bool> serve_one();
    awaitable<bool> wait_for_request();
    /// The size of the head that stands at the front of the buffer; 0 when none came.
    awaitable<std::size_t> read_head();
    awaitable<bool> respond(Request request);
    awaitable<bool> call(const HttpRoute& route, HttpInput input, bool keep_alive);
    awaitable<bool> send_problem(unsigned status, Errc code, std::string detail, bool keep_alive,
                                 std::string allow = std::string());
    awaitable<bool> send(Response response);
    awaitable<bool> send_events(std::unique_ptr<EventStream> events);
    void close();

    UnixSocket socket_;
    const HttpShared& shared_;
    boost::beast::flat_buffer buffer_;
    Peer peer_;
    std::string by_; ///< the peer's name, looked up at the first request
    EventPump* pump_ = nullptr; ///< while events are streamed
    bool idle_ = true; ///< no whole request has come yet
};

} // namespace loom
