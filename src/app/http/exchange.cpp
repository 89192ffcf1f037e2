#include "app/http/exchange.hpp"

#include "app/http/problem.hpp"
#include "app/http/sse.hpp"
#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace loom {
namespace http = boost::beast::http;
namespace {

http::request<http::string_body> make_request(HttpCall call, std::string_view accept) {
    http::request<http::string_body> request;
    request.version(11);
    request.method(call.method == HttpMethod::get ? http::verb::get : http::verb::post);
    request.target(call.target);
    request.set(http::field::host, "loom");
    request.set(http::field::user_agent, "loom/" LOOM_VERSION);
    request.set(http::field::accept, accept);
    request.keep_alive(false);
    if (!call.body.empty()) request.set(http::field::content_type, "application/json");
    request.body() = std::move(call.body);
    if (call.method == HttpMethod::post) request.prepare_payload();
    return request;
}

Error connect_error(const std::string& path, error_code ec) {
    if (ec == asio::error::access_denied)
        return {Errc::denied, path + ": permission denied (root, the daemon's user and socket_group are let in)"};
    return {Errc::unavailable, "no daemon answers on " + path + ": " + ec.message()};
}

Error broken(const std::string& path, error_code ec, bool expired) {
    return {Errc::unavailable, expired ? "the daemon on " + path + " did not answer in time"
                                       : "the daemon on " + path + " broke off: " + ec.message()};
}

/// A connection, and a reply whose head has been read. Shared, because a stream's `close` may come from any thread and
/// be carried out later.
struct Link {
    explicit Link(const Executor& executor) : socket(executor) { parser.body_limit(limits::http_reply_bytes); }

    void close() {
        closed = true;
        error_code ignored;
        socket.close(ignored);
    }

    UnixSocket socket;
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    bool closed = false;
};

/// Sends the request and reads the reply's head.
awaitable<Result<void>> send_call(std::shared_ptr<Link> link, std::string path, http::request<http::string_body> request) {
    const auto address = socket_address(path);
    if (!address) co_return address.error();
    auto expired = [link] { link->close(); };
    const Deadline deadline(link->socket.get_executor(), limits::http_reply_time, expired);
    auto [unconnected] = co_await link->socket.async_connect(*address, tup);
    if (unconnected) co_return connect_error(path, unconnected);
    auto [unsent, written] = co_await http::async_write(link->socket, request, tup);
    // A daemon that refuses early closes while we still write; its reply says why.
    const bool refused = unsent == asio::error::broken_pipe || unsent == asio::error::connection_reset;
    if (unsent && !refused) co_return broken(path, unsent, deadline.fired());
    auto [unread, bytes] = co_await http::async_read_header(link->socket, link->buffer, link->parser, tup);
    (void)written, (void)bytes;
    if (unread) co_return broken(path, unread, deadline.fired());
    co_return Result<void>();
}

/// The rest of the reply: its body, or the error that its status means.
awaitable<Result<std::string>> read_reply(std::shared_ptr<Link> link, std::string path) {
    auto expired = [link] { link->close(); };
    const Deadline deadline(link->socket.get_executor(), limits::http_reply_time, expired);
    if (!link->parser.is_done()) {
        auto [ec, bytes] = co_await http::async_read(link->socket, link->buffer, link->parser, tup);
        (void)bytes;
        if (ec) co_return broken(path, ec, deadline.fired());
    }
    auto& reply = link->parser.get();
    const auto status = reply.result_int();
    if (status / 100 != 2) co_return problem_error(status, reply.body());
    co_return std::move(reply.body());
}

class HttpEventStream final : public EventStream {
public:
    explicit HttpEventStream(std::shared_ptr<Link> link) : link_(std::move(link)) {
        // What came together with the head is the stream's beginning.
        const auto bytes = link_->buffer.data();
        reader_.feed({static_cast<const char*>(bytes.data()), bytes.size()});
        link_->buffer.consume(bytes.size());
    }
    ~HttpEventStream() override { close(); }

    awaitable<std::optional<Event>> next() override {
        while (!link_->closed) {
            auto event = reader_.take();
            if (event) {
                event->run = run_of(*event);
                co_return event;
            }
            if (!co_await read_more()) break;
        }
        co_return std::nullopt;
    }

    void close() override {
        asio::post(link_->socket.get_executor(), [link = link_] { link->close(); });
    }

private:
    awaitable<bool> read_more() {
        // A daemon that is alive says so every heartbeat.
        auto expired = [link = link_] { link->close(); };
        const Deadline deadline(link_->socket.get_executor(), 3 * limits::http_heartbeat, expired);
        const auto space = link_->buffer.prepare(16u << 10);
        auto [ec, bytes] = co_await link_->socket.async_read_some(space, tup);
        if (ec) co_return false;
        co_return reader_.feed({static_cast<const char*>(space.data()), bytes});
    }

    /// The snapshot names the run in full; what follows belongs to it.
    std::string run_of(const Event& event) {
        const auto* id = event.type == "snapshot" ? event.data.if_contains("id") : nullptr;
        if (id && id->is_string()) run_ = id->get_string();
        return run_;
    }

    std::shared_ptr<Link> link_;
    SseReader reader_;
    std::string run_;
};

} // namespace

awaitable<Result<std::string>> exchange(std::string socket_path, HttpCall call) {
    const auto executor = co_await asio::this_coro::executor;
    const auto link = std::make_shared<Link>(executor);
    auto request = make_request(std::move(call), "application/json");
    auto sent = co_await send_call(link, socket_path, std::move(request));
    if (!sent) co_return sent.error();
    co_return co_await read_reply(link, socket_path);
}

awaitable<Result<std::unique_ptr<EventStream>>> open_events(std::string socket_path, HttpCall call) {
    const auto executor = co_await asio::this_coro::executor;
    const auto link = std::make_shared<Link>(executor);
    auto request = make_request(std::move(call), "text/event-stream");
    auto sent = co_await send_call(link, socket_path, std::move(request));
    if (!sent) co_return sent.error();
    if (link->parser.get().result() != http::status::ok) {
        auto reply = co_await read_reply(link, socket_path);
        if (!reply) co_return reply.error();
        co_return Error{Errc::unavailable, "the daemon on " + socket_path + " sent no event stream"};
    }
    std::unique_ptr<EventStream> stream = std::make_unique<HttpEventStream>(link);
    co_return stream;
}

} // namespace loom
