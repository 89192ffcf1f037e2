#include "app/http/link.hpp"

#include "app/http/socket_file.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace http = boost::beast::http;
using asio::ip::tcp;

Error nobody(const ServerAddress& server, const error_code& ec) {
    if (!server.remote() && ec == asio::error::access_denied)
        return {Errc::denied, server.shown + ": permission denied (root, the daemon's user and socket_group are let in)"};
    return {Errc::unavailable, "no daemon answers on " + server.shown + ": " + ec.message()};
}

} // namespace

void Link::close() {
    closed = true;
    if (stream) stream->close();
    else if (abort_) abort_();
}

awaitable<Result<StreamSocket>> Link::open_socket(ServerAddress server) {
    if (!server.remote()) {
        const auto address = socket_address(server.path);
        if (!address) co_return address.error();
        UnixSocket socket(executor);
        abort_ = [&socket] { socket.close(); };
        auto [ec] = co_await socket.async_connect(*address, tup);
        abort_ = {};
        if (ec) co_return nobody(server, ec);
        co_return StreamSocket(std::move(socket));
    }
    tcp::resolver resolver(executor);
    abort_ = [&resolver] { resolver.cancel(); };
    const auto port = std::to_string(server.port);
    auto [unresolved, found] = co_await resolver.async_resolve(server.host, port, tup);
    abort_ = {};
    if (unresolved) co_return nobody(server, unresolved);
    error_code failed = asio::error::host_not_found;
    for (const auto& entry : found) {
        if (closed) break;
        tcp::socket socket(executor);
        abort_ = [&socket] { socket.close(); };
        const auto endpoint = entry.endpoint();
        auto [ec] = co_await socket.async_connect(endpoint, tup);
        abort_ = {};
        failed = ec;
        if (ec) continue;
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        co_return StreamSocket(std::move(socket));
    }
    co_return nobody(server, failed);
}

awaitable<Result<void>> Link::connect(ServerAddress server) {
    auto socket = co_await open_socket(server);
    if (!socket) co_return socket.error();
    if (server.kind != ServerAddress::Kind::https) {
        stream = plain_stream(std::move(*socket));
        co_return Result<void>();
    }
    auto context = server.tls;
    if (!context) {
        auto made = client_tls(server.trust);
        if (!made) co_return made.error();
        context = std::move(*made);
    }
    const auto why = std::make_shared<std::string>();
    stream = client_tls_stream(std::move(*socket), std::move(context), server.trust, why);
    const auto failed = co_await stream->handshake();
    if (!failed) co_return Result<void>();
    if (!why->empty()) {
        const auto* remedy = "; trust its CA by --ca-file of `loom context add` (LOOM_CA_FILE), or this certificate alone by --fingerprint (LOOM_FINGERPRINT)";
        co_return Error{Errc::denied, fmt::format("{} is not trusted: {}{}", server.shown, *why, server.trust.pin.empty() ? remedy : "")};
    }
    const bool cut = failed == asio::error::connection_reset || failed == asio::error::broken_pipe; // a daemon that dies
    co_return Error{Errc::unavailable, cut ? fmt::format("the daemon on {} broke off: {}", server.shown, failed.message())
                                           : fmt::format("{} speaks no TLS with us: {}", server.shown, failed.message())};
}

awaitable<error_code> Link::read_more() {
    constexpr std::size_t piece = 16u << 10;
    const auto before = buffer.size();
    buffer.resize(before + piece);
    const auto into = asio::buffer(buffer.data() + before, piece);
    const auto read = co_await stream->read_some(into);
    buffer.resize(before + (read.error ? 0 : read.bytes));
    co_return read.error;
}

awaitable<error_code> Link::send(std::string request) {
    const auto unsent = co_await stream->write(request);
    // A daemon that refuses early closes while we still write; its reply says why.
    const bool refused = unsent == asio::error::broken_pipe || unsent == asio::error::connection_reset;
    if (unsent && !refused) co_return unsent;
    while (!parser.is_header_done()) {
        if (auto unread = co_await read_more(); unread) co_return unread;
        error_code ec;
        const auto used = parser.put(asio::buffer(buffer), ec);
        buffer.erase(0, used);
        if (ec && ec != http::error::need_more) co_return ec;
    }
    co_return error_code();
}

awaitable<error_code> Link::read_body() {
    parser.eager(true);
    while (!parser.is_done()) {
        error_code ec;
        const auto used = parser.put(asio::buffer(buffer), ec);
        buffer.erase(0, used);
        if (ec && ec != http::error::need_more) co_return ec;
        if (parser.is_done()) break;
        const auto unread = co_await read_more();
        if (unread == asio::error::eof) {
            parser.put_eof(ec);
            co_return ec;
        }
        if (unread) co_return unread;
    }
    co_return error_code();
}

} // namespace loom
