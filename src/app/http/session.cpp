#include "app/http/session.hpp"

#include "app/http/problem.hpp"
#include "app/http/request_checks.hpp"
#include "core/async/deadline.hpp"
#include "core/async/offload.hpp"
#include "core/base/log.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace loom {
namespace http = boost::beast::http;
namespace {

http::response<http::string_body> make_response(unsigned status, std::string_view type, std::string body, bool keep_alive) {
    http::response<http::string_body> response;
    response.version(11);
    response.result(status);
    response.set(http::field::content_type, type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.keep_alive(keep_alive);
    response.body() = std::move(body);
    response.prepare_payload();
    return response;
}

std::string_view text_of(const boost::beast::flat_buffer& buffer) {
    const auto bytes = buffer.data();
    return {static_cast<const char*>(bytes.data()), bytes.size()};
}

bool json_type(std::string_view type) {
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    return boost::beast::iequals(type, "application/json");
}

} // namespace

awaitable<void> HttpSession::run() {
    try {
        co_await serve();
    } catch (const std::exception& error) {
        logs::http.error({}, "a request ended in an exception: {}", error.what());
    }
    close();
}

awaitable<void> HttpSession::serve() {
    auto peer = read_peer(socket_.native_handle());
    if (!peer) co_return;
    peer_ = std::move(*peer);
    auto stopped = [this](StopReason) {
        if (pump_) pump_->finish();
        else if (idle_) close();
    };
    const auto registration = shared_.stop.on_stop(executor(), stopped);
    bool more = true;
    while (more && !shared_.stop.requested()) more = co_await serve_one();
    // After a refusal the client may still be sending; half a close lets it read the reply.
    error_code ignored;
    socket_.shutdown(UnixSocket::shutdown_send, ignored);
}

void HttpSession::close() {
    error_code ignored;
    socket_.close(ignored);
}

awaitable<bool> HttpSession::serve_one() {
    idle_ = true;
    if (!co_await wait_for_request()) co_return false;
    const auto head = co_await read_head();
    if (head == 0) co_return false;
    idle_ = false;
    if (head > limits::http_header_bytes)
        co_return co_await send_problem(431, Errc::usage, "the request's head is too long", false);
    if (auto rejection = check_request_head(text_of(buffer_).substr(0, head))) {
        auto message = std::move(rejection->message);
        co_return co_await send_problem(rejection->status, Errc::usage, std::move(message), false);
    }
    http::request_parser<http::string_body> parser;
    parser.body_limit(limits::http_body_bytes);
    parser.header_limit(limits::http_header_bytes);
    auto expired = [this] { close(); };
    error_code failed;
    {
        const Deadline deadline(executor(), shared_.times.body, expired);
        auto [ec, bytes] = co_await http::async_read(socket_, buffer_, parser, tup);
        failed = ec;
        (void)bytes;
    }
    if (failed == http::error::body_limit)
        co_return co_await send_problem(413, Errc::usage, "the request's body is too long", false);
    if (failed && failed.category() == http::make_error_code(http::error::bad_method).category() &&
        failed != http::error::partial_message && failed != http::error::end_of_stream)
        co_return co_await send_problem(400, Errc::usage, "malformed request", false);
    if (failed) co_return false;
    auto request = parser.release();
    co_return co_await respond(std::move(request));
}

awaitable<bool> HttpSession::wait_for_request() {
    if (buffer_.size() > 0) co_return true;
    auto expired = [this] { close(); };
    const Deadline deadline(executor(), shared_.times.idle, expired);
    auto [ec] = co_await socket_.async_wait(UnixSocket::wait_read, tup);
    co_return !ec;
}

awaitable<std::size_t> HttpSession::read_head() {
    auto expired = [this] { close(); };
    const Deadline deadline(executor(), shared_.times.header, expired);
    while (true) {
        const auto end = text_of(buffer_).find("\r\n\r\n");
        if (end != std::string_view::npos) co_return end + 4;
        if (buffer_.size() > limits::http_header_bytes) co_return buffer_.size();
        const auto space = buffer_.prepare(4096);
        auto [ec, bytes] = co_await socket_.async_read_some(space, tup);
        if (ec) co_return 0;
        buffer_.commit(bytes);
    }
}

awaitable<bool> HttpSession::respond(Request request) {
    const bool keep = request.keep_alive() && !shared_.stop.requested();
    const std::string target(request.target());
    const auto path = target.substr(0, target.find('?'));
    const std::string method(request.method_string());
    if (path == "/healthz" && method == "GET") {
        auto response = make_response(200, "text/plain", "ok\n", keep);
        co_return co_await send(std::move(response));
    }
    if (!admits(shared_.rule, peer_))
        co_return co_await send_problem(403, Errc::denied, "only root, the daemon's user and socket_group are let in", false);
    auto match = find_route(method, path);
    if (!match.allow.empty())
        co_return co_await send_problem(405, Errc::usage, "this path takes other methods", keep, std::move(match.allow));
    if (!match.route) co_return co_await send_problem(404, Errc::not_found, "there is nothing at this path", keep);
    if (!request.body().empty() && !json_type(request[http::field::content_type]))
        co_return co_await send_problem(415, Errc::usage, "the body must be application/json", keep);
    auto query = parse_query(std::string_view(target).substr(std::min(path.size() + 1, target.size())));
    if (!query) {
        auto message = query.error().message;
        co_return co_await send_problem(400, Errc::usage, std::move(message), keep);
    }
    HttpInput input;
    input.path = std::move(match.path);
    input.query = std::move(*query);
    input.body = std::move(request.body());
    co_return co_await call(*match.route, std::move(input), keep);
}

awaitable<bool> HttpSession::call(const HttpRoute& route, HttpInput input, bool keep_alive) {
    if (by_.empty()) {
        auto look_up = [uid = peer_.uid] { return peer_name(uid); };
        by_ = co_await offload(shared_.blocking, std::move(look_up));
    }
    Caller caller(by_);
    auto answer = co_await route.call(shared_.service, std::move(caller), std::move(input));
    if (!answer) {
        auto error = answer.error();
        const auto status = http_status(error.code);
        co_return co_await send_problem(status, error.code, std::move(error.message), keep_alive);
    }
    if (answer->events) {
        auto events = std::move(answer->events);
        co_return co_await send_events(std::move(events));
    }
    auto response = make_response(200, "application/json", std::move(answer->body), keep_alive);
    co_return co_await send(std::move(response));
}

awaitable<bool> HttpSession::send_events(std::unique_ptr<EventStream> events) {
    const EventPump::Times times{shared_.times.heartbeat, shared_.times.idle};
    EventPump pump(socket_, std::move(events), times);
    pump_ = &pump;
    if (shared_.stop.requested()) pump.finish();
    co_await pump.run();
    pump_ = nullptr;
    co_return false;
}

awaitable<bool> HttpSession::send_problem(unsigned status, Errc code, std::string detail, bool keep_alive,
                                          std::string allow) {
    auto response = make_response(status, problem_type, problem_body(status, code, detail), keep_alive);
    if (!allow.empty()) response.set(http::field::allow, allow);
    co_return co_await send(std::move(response));
}

awaitable<bool> HttpSession::send(Response response) {
    auto expired = [this] { close(); };
    const Deadline deadline(executor(), shared_.times.idle, expired);
    const bool keep = response.keep_alive();
    auto [ec, bytes] = co_await http::async_write(socket_, response, tup);
    (void)bytes;
    co_return !ec && keep;
}

} // namespace loom
