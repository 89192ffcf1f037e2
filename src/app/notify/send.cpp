#include "app/notify/send.hpp"

#include "app/notify/message.hpp"
#include "app/notify/net.hpp"
#include "app/notify/smtp.hpp"
#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>
#include <spdlog/fmt/fmt.h>
#include <sstream>

namespace loom {
namespace http = boost::beast::http;
namespace {

/// A URL taken apart.
struct WebPlace {
    NetPlace net;
    bool tls = false;
    std::string authority, target;
};

Result<WebPlace> place_of(const std::string& url, bool allow_private) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed) return Error{Errc::denied, "the URL cannot be read"};
    WebPlace place;
    place.tls = parsed->scheme_id() == boost::urls::scheme::https;
    place.net.host = std::string(parsed->encoded_host_address());
    if (place.net.host.starts_with('[') && place.net.host.ends_with(']')) place.net.host = place.net.host.substr(1, place.net.host.size() - 2);
    place.net.port = parsed->has_port() ? parsed->port_number() : place.tls ? 443 : 80;
    place.net.allow_private = allow_private;
    place.authority = std::string(parsed->encoded_host_and_port());
    place.target = std::string(parsed->encoded_path());
    if (place.target.empty()) place.target = "/";
    if (parsed->has_query()) place.target += "?" + std::string(parsed->encoded_query());
    return place;
}

std::string text_of(const NotifyRequest& request, const WebPlace& place) {
    http::request<http::string_body> message;
    message.version(11);
    message.method(http::string_to_verb(request.method));
    message.target(place.target);
    message.set(http::field::host, place.authority);
    message.set(http::field::user_agent, "loom/" LOOM_VERSION);
    for (const auto& [name, value] : request.headers) message.set(name, value);
    message.keep_alive(false);
    message.body() = request.body;
    if (request.method == "POST") message.prepare_payload();
    std::ostringstream text;
    text << message;
    return text.str();
}

/// Interim answers (1xx: RFC 9110, 15.2) before the one that counts; more are a jest.
constexpr int interim_answers = 8;

/// The status of the answer, and no more of it than that needs.
awaitable<Result<unsigned>> read_status(NetLink& link, std::string host) {
    std::string bytes;
    for (int interim = 0; interim <= interim_answers; ++interim) {
        http::response_parser<http::string_body> parser;
        parser.header_limit(limits::notify_reply_bytes);
        parser.body_limit(boost::none); // it is not read
        error_code ec = http::error::need_more;
        while (!parser.is_header_done()) {
            const auto used = bytes.empty() ? 0 : parser.put(boost::asio::buffer(bytes), ec);
            bytes.erase(0, used);
            if (ec && ec != http::error::need_more) co_return Error{Errc::unavailable, host + ": what it answers is not HTTP"};
            if (parser.is_header_done()) break;
            auto some = co_await link.read_some();
            if (!some) co_return some.error();
            if (some->empty()) co_return Error{Errc::unavailable, host + ": it hung up without an answer"};
            bytes += *some;
        }
        const unsigned status = parser.get().result_int();
        if (status / 100 != 1) co_return status;
    }
    co_return Error{Errc::unavailable, host + ": it says that an answer comes, again and again"};
}

awaitable<Result<void>> send_http(NotifySender& sender, NetLink& link, NotifyTarget target, boost::json::object event, Instant now) {
    const auto request = notify_request(target, event, now);
    const auto place = place_of(request.url, target.allow_private);
    if (!place) co_return place.error();
    auto net = place->net;
    const auto host = net.host;
    auto connected = co_await link.connect(sender.resolver, std::move(net));
    if (!connected) co_return connected;
    if (place->tls) {
        auto encrypted = co_await link.encrypt(sender.blocking, host);
        if (!encrypted) co_return encrypted;
    }
    auto text = text_of(request, *place);
    auto written = co_await link.write(std::move(text));
    if (!written) co_return written;
    const auto status = co_await read_status(link, host);
    if (!status) co_return status.error();
    if (*status / 100 == 2) co_return Result<void>();
    co_return Error{Errc::unavailable, fmt::format("{} answers {}{}", host, *status, *status / 100 == 3 ? ", a redirection, which is not followed" : "")};
}

awaitable<Result<std::string>> read_reply(NetLink& link) {
    std::string reply;
    while (!whole_reply(reply)) {
        auto some = co_await link.read_some();
        if (!some) co_return some.error();
        if (some->empty()) co_return Error{Errc::unavailable, "the mail server hung up"};
        reply += *some;
        if (reply.size() > limits::notify_reply_bytes) co_return Error{Errc::unavailable, "the mail server's answer has no end"};
    }
    co_return reply;
}

awaitable<Result<void>> send_mail(NotifySender& sender, NetLink& link, NotifyTarget target, boost::json::object event, Instant now) {
    NetPlace net;
    net.host = target.server;
    net.port = target.port;
    net.allow_private = target.allow_private;
    auto connected = co_await link.connect(sender.resolver, std::move(net));
    if (!connected) co_return connected;
    const bool from_start = target.tls == NotifyTarget::Tls::tls;
    if (from_start) {
        auto encrypted = co_await link.encrypt(sender.blocking, target.server);
        if (!encrypted) co_return encrypted;
    }
    using StepKind = SmtpDialogue::Step::Kind;
    SmtpDialogue dialogue(target, mail_text(target, event, now), sender.own_name, from_start);
    while (true) {
        auto reply = co_await read_reply(link);
        if (!reply) co_return reply.error();
        auto step = dialogue.next(*reply);
        if (step.kind == StepKind::start_tls) {
            auto encrypted = co_await link.encrypt(sender.blocking, target.server);
            if (!encrypted) co_return encrypted;
            step = dialogue.encrypted();
        }
        if (step.kind == StepKind::done) co_return Result<void>();
        if (step.kind == StepKind::fail)
            co_return Error{step.permanent ? Errc::denied : Errc::unavailable, fmt::format("{}: {}", target.server, step.text)};
        auto written = co_await link.write(std::move(step.text));
        if (!written) co_return written;
    }
}

} // namespace

awaitable<Result<void>> NotifySender::send(NotifyTarget target, boost::json::object event, Instant now) {
    const auto executor = co_await asio::this_coro::executor;
    const auto link = std::make_shared<NetLink>(executor);
    auto expired = [link] { link->close(); };
    const Deadline deadline(executor, limits::notify_time, std::move(expired));
    Result<void> done;
    if (target.kind == NotifyTarget::Kind::email) done = co_await send_mail(*this, *link, std::move(target), std::move(event), now);
    else done = co_await send_http(*this, *link, std::move(target), std::move(event), now);
    link->close();
    if (!done && deadline.fired()) co_return Error{Errc::unavailable, "it took longer than 30 s"};
    co_return done;
}

} // namespace loom
