#include "app/notify/net.hpp"

#include "app/notify/address.hpp"
#include "core/async/offload.hpp"
#include "core/base/limits.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using Context = std::shared_ptr<asio::ssl::context>;

Error broken(const std::string& host, std::string_view what, error_code ec) {
    return {Errc::unavailable, fmt::format("{}: {}: {}", host, what, ec.message())};
}

Result<Context> client_context() {
    const auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    error_code ec;
    context->set_default_verify_paths(ec);
    if (ec) return Error{Errc::unavailable, "the system's certificates cannot be read: " + ec.message()};
    context->set_verify_mode(asio::ssl::verify_peer);
    ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    return context;
}

} // namespace

awaitable<Result<void>> NetLink::connect(Resolver& resolver, NetPlace place) {
    host_ = place.host;
    const StopToken never; // the caller's deadline closes the socket, and this look-up has one
    const auto addresses = co_await resolver.resolve(place.host, limits::notify_time, never);
    if (!addresses) co_return Error{Errc::unavailable, fmt::format("{}: {}", host_, addresses.error().message)};
    if (!place.allow_private)
        for (const auto& address : *addresses)
            if (!is_public(address))
                co_return Error{Errc::denied, fmt::format("{} is at {}, which is no public address: allow_private: true lets it through", host_,
                                                          address.to_string())};
    error_code last = asio::error::host_not_found;
    for (const auto& address : *addresses) {
        const asio::ip::tcp::endpoint endpoint(address, place.port);
        error_code ignored;
        socket_.close(ignored);
        auto [ec] = co_await socket_.async_connect(endpoint, tup);
        last = ec;
        if (!ec) break;
        if (ec == asio::error::operation_aborted) break;
    }
    if (last) co_return broken(host_, "cannot connect", last);
    co_return Result<void>();
}

awaitable<Result<void>> NetLink::encrypt(Executor blocking, std::string host) {
    auto make = [] { return client_context(); };
    auto context = co_await offload(std::move(blocking), std::move(make));
    if (!context) co_return context.error();
    context_ = std::move(*context);
    tls_ = std::make_unique<TlsStream>(socket_, *context_);
    tls_->set_verify_callback(asio::ssl::host_name_verification(host));
    error_code literal;
    asio::ip::make_address(host, literal);
    if (literal) ::SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str()); // names alone (RFC 6066, 3)
    auto [ec] = co_await tls_->async_handshake(asio::ssl::stream_base::client, tup);
    if (!ec) co_return Result<void>();
    const auto verified = ::SSL_get_verify_result(tls_->native_handle());
    if (verified != X509_V_OK)
        co_return Error{Errc::unavailable, fmt::format("{}: its certificate is not trusted: {}", host_, ::X509_verify_cert_error_string(verified))};
    co_return broken(host_, "no TLS", ec);
}

awaitable<Result<void>> NetLink::write(std::string bytes) {
    const auto buffer = asio::buffer(bytes);
    error_code failed;
    if (tls_) {
        auto [ec, count] = co_await asio::async_write(*tls_, buffer, tup);
        failed = ec;
        (void)count;
    } else {
        auto [ec, count] = co_await asio::async_write(socket_, buffer, tup);
        failed = ec;
        (void)count;
    }
    if (failed) co_return broken(host_, "cannot write", failed);
    co_return Result<void>();
}

awaitable<Result<std::string>> NetLink::read_some() {
    std::string bytes(16u << 10, '\0');
    const auto buffer = asio::buffer(bytes);
    error_code failed;
    std::size_t got = 0;
    if (tls_) {
        auto [ec, count] = co_await tls_->async_read_some(buffer, tup);
        failed = ec;
        got = count;
    } else {
        auto [ec, count] = co_await socket_.async_read_some(buffer, tup);
        failed = ec;
        got = count;
    }
    const bool ended = failed == asio::error::eof || failed == asio::ssl::error::stream_truncated;
    if (failed && !ended) co_return broken(host_, "cannot read", failed);
    bytes.resize(got);
    co_return bytes;
}

void NetLink::close() {
    error_code ignored;
    socket_.close(ignored);
}

} // namespace loom
