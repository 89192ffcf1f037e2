#include "app/http/exchange.hpp"

#include "app/http/link.hpp"
#include "app/http/problem.hpp"
#include "app/http/sse.hpp"
#include "core/async/deadline.hpp"

#include <boost/json.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::string request_text(const ServerAddress& server, const HttpCall& call, std::string_view accept) {
    const auto authority = server.remote() ? server.shown.substr(server.shown.find("://") + 3) : std::string("loom");
    auto text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: loom/" LOOM_VERSION "\r\nAccept: {}\r\nConnection: close\r\n",
                            to_string(call.method), call.target, authority, accept);
    if (!server.token.empty()) text += "Authorization: Bearer " + server.token.reveal() + "\r\n";
    if (!call.key.empty()) text += "Idempotency-Key: " + call.key + "\r\n";
    if (!call.body.empty()) text += "Content-Type: application/json\r\n";
    if (call.method == HttpMethod::post) text += fmt::format("Content-Length: {}\r\n", call.body.size());
    return text + "\r\n" + call.body;
}

Error broken(const ServerAddress& server, error_code ec, bool expired) {
    if (expired) return {Errc::unavailable, "the daemon on " + server.shown + " did not answer in time"};
    // A server that speaks TLS hangs up on a request in clear, on the first one.
    const auto* remedy = server.kind == ServerAddress::Kind::http && !*server.answered ? "; where it speaks TLS, say https://" : "";
    return {Errc::unavailable, fmt::format("the daemon on {} broke off: {}{}", server.shown, ec.message(), remedy)};
}

/// Sends the request and reads the reply's head.
awaitable<Result<void>> send_call(std::shared_ptr<Link> link, ServerAddress server, std::string request, std::shared_ptr<bool> sent) {
    auto expired = [link] { link->close(); };
    const Deadline deadline(link->executor, limits::http_reply_time, expired);
    auto connected = co_await link->connect(server);
    if (!connected && deadline.fired()) co_return broken(server, error_code(), true);
    if (!connected) co_return connected.error();
    *sent = true;
    const auto failed = co_await link->send(std::move(request));
    if (failed) co_return broken(server, failed, deadline.fired());
    *server.answered = true;
    co_return Result<void>();
}

/// The rest of the reply: its body, or the error that its status means.
awaitable<Result<std::string>> read_reply(std::shared_ptr<Link> link, ServerAddress server) {
    auto expired = [link] { link->close(); };
    const Deadline deadline(link->executor, limits::http_reply_time, expired);
    const auto failed = co_await link->read_body();
    if (failed) co_return broken(server, failed, deadline.fired());
    auto& reply = link->parser.get();
    const auto status = reply.result_int();
    if (status / 100 != 2) {
        auto error = problem_error(status, reply.body());
        if (status == 401 && server.token.empty())
            error.message = fmt::format("{} needs a token: in LOOM_TOKEN, in a file that LOOM_TOKEN_FILE names, or by --token-file of `loom context add`", server.shown);
        else if (status == 401) error.message = fmt::format("{}: {}", server.shown, error.message);
        co_return error;
    }
    co_return std::move(reply.body());
}

class HttpEventStream final : public EventStream {
public:
    explicit HttpEventStream(std::shared_ptr<Link> link) : link_(std::move(link)) {
        // What came together with the head is the stream's beginning.
        reader_.feed(link_->buffer);
        link_->buffer.clear();
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
        asio::post(link_->executor, [link = link_] { link->close(); });
    }

private:
    awaitable<bool> read_more() {
        // A daemon that is alive says so every heartbeat.
        auto expired = [link = link_] { link->close(); };
        const Deadline deadline(link_->executor, 3 * limits::http_heartbeat, expired);
        const auto failed = co_await link_->read_more();
        if (failed) co_return false;
        const bool good = reader_.feed(link_->buffer);
        link_->buffer.clear();
        co_return good;
    }

    /// The snapshot names the run in full; what follows belongs to it.
    std::string run_of(const Event& event) {
        if (event.type == "run") // of the stream of all runs, where each event names its own
            if (const auto* data = event.data.if_contains("data"); data && data->is_object() && data->get_object().contains("id"))
                return boost::json::value_to<std::string>(data->get_object().at("id"));
        const auto* id = event.type == "snapshot" ? event.data.if_contains("id") : nullptr;
        if (id && id->is_string()) run_ = id->get_string();
        return run_;
    }

    std::shared_ptr<Link> link_;
    SseReader reader_;
    std::string run_;
};

} // namespace

awaitable<Result<std::string>> exchange(ServerAddress server, HttpCall call) {
    const auto executor = co_await asio::this_coro::executor;
    const auto link = std::make_shared<Link>(executor);
    auto request = request_text(server, call, "application/json");
    auto sent = co_await send_call(link, server, std::move(request), call.sent);
    if (!sent) co_return sent.error();
    co_return co_await read_reply(link, server);
}

awaitable<Result<std::unique_ptr<EventStream>>> open_events(ServerAddress server, HttpCall call) {
    const auto executor = co_await asio::this_coro::executor;
    const auto link = std::make_shared<Link>(executor);
    auto request = request_text(server, call, "text/event-stream");
    auto sent = co_await send_call(link, server, std::move(request), call.sent);
    if (!sent) co_return sent.error();
    if (link->parser.get().result_int() != 200) {
        auto reply = co_await read_reply(link, server);
        if (!reply) co_return reply.error();
        co_return Error{Errc::unavailable, "the daemon on " + server.shown + " sent no event stream"};
    }
    std::unique_ptr<EventStream> stream = std::make_unique<HttpEventStream>(link);
    co_return stream;
}

} // namespace loom
