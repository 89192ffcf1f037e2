#include "app/http/session.hpp"

#include "app/http/conditional.hpp"
#include "app/http/problem.hpp"
#include "app/http/sight.hpp"
#include "core/async/deadline.hpp"
#include "core/async/offload.hpp"
#include "core/async/scope.hpp"
#include "core/base/duration.hpp"
#include "core/base/log.hpp"

#include <boost/beast/core/string.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

bool json_type(std::string_view type) {
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    return boost::beast::iequals(type, "application/json");
}

constexpr std::string_view bearer = "Bearer ";

/// The token of the request; empty: none, or no bearer token.
std::string bearer_of(const HttpRequest& request) {
    const auto field = request.field("Authorization");
    const bool is_one = field.size() > bearer.size() && boost::beast::iequals(field.substr(0, bearer.size()), bearer);
    return is_one ? std::string(field.substr(bearer.size())) : std::string();
}

HttpResponse unauthenticated(std::string_view detail, std::string_view fault) {
    auto response = problem_response(401, Errc::denied, detail);
    response.fields.emplace_back("WWW-Authenticate", fmt::format("Bearer realm=\"loom\"{}", fault));
    return response;
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
    auto stopped = [this](StopReason) {
        if (pump_) pump_->finish();
        else if (idle_) close();
    };
    const auto registration = shared_.stop.on_stop(executor(), stopped);
    if (!co_await shake_hands()) co_return;
    bool more = true;
    while (more && !shared_.stop.requested()) more = co_await serve_one();
    co_await end_stream(*stream_, refused_);
}

awaitable<bool> HttpSession::shake_hands() {
    auto expired = [this] { close(); };
    const Deadline deadline(executor(), shared_.limits.header, expired);
    const auto failed = co_await stream_->handshake();
    if (failed) logs::http.debug({}, "{}: no TLS: {}", arrival_.address, failed.message());
    co_return !failed;
}

awaitable<bool> HttpSession::serve_one() {
    idle_ = true;
    if (ticket_) ticket_->idle(true);
    if (!co_await reader_.wait_for_head()) co_return false;
    idle_ = false;
    if (ticket_) ticket_->idle(false);
    HttpRequest request;
    if (auto rejection = reader_.take_head(request)) {
        co_await refuse(std::move(*rejection));
        co_return false;
    }
    request.keep_alive = request.keep_alive && !shared_.stop.requested();
    co_return co_await respond(std::move(request));
}

awaitable<bool> HttpSession::read_body(HttpRequest& request) {
    std::optional<Rejection> rejection;
    const bool whole = co_await reader_.read_body(request.body, rejection);
    if (rejection) co_await refuse(std::move(*rejection));
    co_return whole;
}

awaitable<bool> HttpSession::respond(HttpRequest request) {
    const bool looks = request.method == "GET" && (request.path == "/healthz" || request.path == "/readyz");
    if (looks) {
        auto why = request.path == "/readyz" && shared_.unready ? shared_.unready() : std::nullopt;
        HttpResponse health{why ? 503u : 200u, "text/plain", why ? "not ready\n" : "ok\n"};
        co_return co_await send(request, std::move(health));
    }
    if (!answers_to(*arrival_.hosts, request.field("Host"))) {
        auto elsewhere = problem_response(421, Errc::usage, "this is not the host in Host; loom.yaml's http.allowed_hosts names those it may be");
        co_return co_await send(request, std::move(elsewhere));
    }
    const auto origin = request.field("Origin");
    if (!origin.empty() && !same_origin(origin, request.field("Host"))) {
        auto foreign = problem_response(403, Errc::denied, "a page of another origin may not call this");
        co_return co_await send(request, std::move(foreign));
    }
    std::string allow;
    if (const auto* route = find_plain(shared_.routes, request.method, request.path, allow))
        co_return co_await call_plain(*route, std::move(request));
    if (!allow.empty()) {
        auto wrong = problem_response(405, Errc::usage, "this path takes other methods");
        wrong.fields.emplace_back("Allow", allow);
        co_return co_await send(request, std::move(wrong));
    }
    co_return co_await call_api(std::move(request));
}

awaitable<std::optional<HttpResponse>> HttpSession::admit(const HttpRequest& request, AccessScope scope, Touches touches, Principal& caller) {
    const auto field = request.field("Authorization");
    if (!field.empty()) {
        auto token = bearer_of(request);
        if (token.empty() || !shared_.check_token) co_return unauthenticated("expected Authorization: Bearer TOKEN", ", error=\"invalid_request\"");
        auto known = co_await shared_.check_token(std::move(token));
        if (!known && known.error().code != Errc::denied)
            co_return problem_response(503, Errc::unavailable, known.error().message);
        if (!known) co_return unauthenticated(known.error().message, ", error=\"invalid_token\"");
        caller = std::move(*known);
        if (ticket_ && !ticket_->belongs_to(caller.by)) co_return problem_response(429, Errc::unavailable, "this token has too many connections");
    } else if (arrival_.user) {
        if (!peer_) {
            auto look_up = [uid = *arrival_.user] { return peer_name(uid); };
            Principal known;
            known.by = co_await offload(shared_.blocking, std::move(look_up));
            known.grant.scope = AccessScope::admin;
            peer_ = std::move(known);
        }
        caller = *peer_;
    } else if (arrival_.address.empty()) {
        co_return problem_response(403, Errc::denied, "only root, the daemon's user and socket_group are let in");
    } else {
        co_return unauthenticated("this needs a token: Authorization: Bearer TOKEN", "");
    }
    if (const auto refused = refusal(caller, scope, touches)) co_return problem_response(403, refused->code, refused->message);
    co_return std::nullopt;
}

awaitable<bool> HttpSession::call_plain(const PlainRoute& route, HttpRequest request) {
    Principal caller;
    if (route.scope) {
        auto refused = co_await admit(request, *route.scope, route.touches, caller);
        if (refused) co_return co_await send(request, std::move(*refused));
    }
    if (!co_await read_body(request)) co_return false;
    auto body = std::move(request.body);
    auto asked = request; // the answer's own: a head may be 16 KiB
    asked.body = std::move(body);
    auto response = co_await route.answer(std::move(asked), std::move(caller));
    co_return co_await send(request, std::move(response));
}

awaitable<bool> HttpSession::call_api(HttpRequest request) {
    auto match = find_route(request.method, request.path);
    // Whoever is not let in does not learn which paths there are.
    Principal caller;
    const auto scope = match.route ? match.route->scope : AccessScope::read;
    const auto touches = match.route ? match.route->touches : Touches::nothing;
    auto refused = co_await admit(request, scope, touches, caller);
    if (refused) co_return co_await send(request, std::move(*refused));
    HttpResponse response;
    if (!match.allow.empty()) {
        response = problem_response(405, Errc::usage, "this path takes other methods");
        response.fields.emplace_back("Allow", match.allow);
        co_return co_await send(request, std::move(response));
    }
    if (!match.route) {
        response = problem_response(404, Errc::not_found, "there is nothing at this path");
        co_return co_await send(request, std::move(response));
    }
    if (!co_await read_body(request)) co_return false;
    if (!request.body.empty() && !json_type(request.field("Content-Type"))) {
        response = problem_response(415, Errc::usage, "the body must be application/json");
        co_return co_await send(request, std::move(response));
    }
    HttpInput input;
    input.path = std::move(match.path);
    auto query = parse_query(request.query);
    if (!query) {
        response = problem_response(400, Errc::usage, query.error().message);
        co_return co_await send(request, std::move(response));
    }
    input.query = std::move(*query);
    // How a browser's EventSource goes on where it was.
    const auto last = request.field("Last-Event-ID");
    if (!last.empty() && match.route->pattern == "/api/v1/events") input.query["after"] = std::string(last);
    if (auto given = request_key(request, caller.by)) {
        input.key = std::move(given->key);
        input.digest = std::move(given->digest);
    }
    input.body = std::move(request.body);
    auto by = caller.by;
    auto called = co_await call_route(*match.route, request, std::move(caller), std::move(input));
    if (!called) co_return false;
    auto answer = std::move(*called);
    if (request.method != "GET")
        logs::http.debug({}, "{} {} by {}: {} ({})", request.method, request.path, by, answer ? "done" : answer.error().message, request.id);
    if (!answer && answer.error().code == Errc::denied && token_ended_) {
        response = unauthenticated(answer.error().message, ", error=\"invalid_token\"");
        co_return co_await send(request, std::move(response));
    }
    if (!answer) {
        response = problem_response(http_status(answer.error().code), answer.error().code, answer.error().message);
        co_return co_await send(request, std::move(response));
    }
    if (answer->events) {
        auto events = std::move(answer->events);
        co_return co_await send_events(request, std::move(events));
    }
    response = {200, "application/json", std::move(answer->body)};
    if (request.method == "GET") response = unless_known(std::move(response), request.field("If-None-Match"));
    co_return co_await send(request, std::move(response));
}

/// A request that waits is asked in turns, between which its token may have ended.
awaitable<std::optional<Result<HttpAnswer>>> HttpSession::call_route(const HttpRoute& route, HttpRequest& request, Principal caller, HttpInput input) {
    const auto given = input.query.find("wait");
    const auto wait = given == input.query.end() ? Result<Milliseconds>(Milliseconds(0)) : parse_duration(given->second);
    std::optional<Result<HttpAnswer>> answer;
    if (!wait || wait->count() <= 0 || *wait > limits::run_wait_time) {
        answer = co_await route.call(shared_.service, std::move(caller), std::move(input));
        co_return answer;
    }
    request.keep_alive = false; // what comes meanwhile is not read as another request
    Scope beside(executor());
    auto watching = [this] { return watch_hangup(); };
    beside.spawn(watching);
    for (auto left = *wait; left.count() > 0 && !gone_;) {
        const auto turn = std::min<Milliseconds>(left, shared_.limits.heartbeat);
        const auto began = std::chrono::steady_clock::now();
        auto who = caller;
        auto asked = input;
        asked.query["wait"] = std::to_string(turn.count()) + "ms";
        answer = co_await route.call(shared_.service, std::move(who), std::move(asked));
        left -= turn;
        if (!*answer || std::chrono::steady_clock::now() - began < turn) break; // it came before its time was over
        auto token = bearer_of(request);
        if (token.empty()) continue;
        const auto known = co_await shared_.check_token(std::move(token));
        token_ended_ = !known && known.error().code == Errc::denied;
        if (token_ended_) answer = known.error();
        if (token_ended_) break;
    }
    stream_->cancel();
    co_await beside.join();
    if (gone_) co_return std::nullopt;
    co_return answer;
}

/// While its request waits a client has nothing to say; where it leaves, its descriptor is free at once.
awaitable<void> HttpSession::watch_hangup() {
    char byte = 0;
    const auto into = asio::buffer(&byte, 1);
    const auto read = co_await stream_->read_some(into);
    if (!read.error || read.error == asio::error::operation_aborted) co_return;
    gone_ = true;
    close();
}

awaitable<bool> HttpSession::send_events(const HttpRequest& request, std::unique_ptr<EventStream> events) {
    const EventPump::Times times{shared_.limits.heartbeat, shared_.limits.idle};
    // The body ends with the connection: no length, no chunks.
    auto head = fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                            "X-Request-Id: {}\r\nConnection: close\r\n\r\n", request.id);
    EventPump pump(*stream_, std::move(events), times, std::move(head));
    const auto token = bearer_of(request);
    if (!token.empty())
        pump.may_go_on = [check = shared_.check_token, token]() -> awaitable<bool> {
            auto copy = token;
            const auto known = co_await check(std::move(copy));
            co_return known || known.error().code != Errc::denied;
        };
    pump_ = &pump;
    if (shared_.stop.requested()) pump.finish();
    co_await pump.run();
    pump_ = nullptr;
    co_return false;
}

awaitable<bool> HttpSession::send(const HttpRequest& request, HttpResponse response) {
    logs::http.debug({}, "{} {} {}: {} ({})", arrival_.address.empty() ? "unix" : arrival_.address, request.method, request.path, response.status, request.id);
    response.fields.emplace_back("X-Request-Id", request.id);
    // Where its body was not wanted, what comes next on the connection is that body.
    const bool unread = reader_.body_waits();
    refused_ = refused_ || unread;
    const bool stays = request.keep_alive && !unread;
    auto text = head_of(response, stays);
    // A small reply goes in one piece.
    const bool small = response.body.size() <= limits::http_piece_bytes;
    if (small) text += response.body;
    bool sent = co_await write_in_pieces(*stream_, text, shared_.limits.idle);
    if (sent && !small) sent = co_await write_in_pieces(*stream_, response.body, shared_.limits.idle);
    co_return sent && stays;
}

awaitable<void> HttpSession::refuse(Rejection why) {
    HttpRequest nothing;
    nothing.id = request_id({});
    auto response = problem_response(why.status, Errc::usage, why.message);
    co_await send(nothing, std::move(response));
    refused_ = true;
}

} // namespace loom
