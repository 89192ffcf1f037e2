#include "app/http/listener.hpp"

#include <arpa/inet.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using asio::ip::tcp;

HostRule host_rule(const ListenAddress& address, const std::vector<std::string>& allowed_hosts) {
    HostRule rule;
    rule.any = !address.tls.certificate.empty() && allowed_hosts.empty();
    for (const auto& host : allowed_hosts) rule.names.push_back(host_name(host));
    rule.names.push_back(address.host);
    if (is_loopback(address.host))
        for (const char* name : {"localhost", "127.0.0.1", "::1"}) rule.names.emplace_back(name);
    return rule;
}

} // namespace

Result<std::unique_ptr<Listener>> listen_on(const Executor& executor, const ListenAddress& address,
                                            const std::vector<std::string>& allowed_hosts) {
    const bool secure = !address.tls.certificate.empty();
    std::shared_ptr<TlsSource> tls;
    if (secure) {
        auto context = server_tls(address.tls);
        if (!context) return Error{Errc::config, fmt::format("{}: listen: tls: {}", address.place, context.error().message)};
        tls = std::make_shared<TlsSource>(address.tls, std::move(*context));
    }
    error_code ec;
    const tcp::endpoint endpoint(asio::ip::make_address(address.host, ec), address.port);
    tcp::acceptor acceptor(executor);
    if (!ec) acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(tcp::acceptor::max_listen_connections, ec);
    if (ec) return Error{Errc::unavailable, fmt::format("{}: cannot listen on {}: {}", address.place, to_string(address), ec.message())};
    auto listener = std::make_unique<Listener>(std::move(acceptor));
    listener->hosts = host_rule(address, allowed_hosts);
    listener->tls = std::move(tls);
    listener->shown = fmt::format("{}://{}", secure ? "https" : "http", to_string(address));
    return listener;
}

std::string counted_address(int socket) {
    sockaddr_storage found{};
    socklen_t length = sizeof found;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&found), &length) != 0) return "gone";
    char text[INET6_ADDRSTRLEN] = {};
    if (found.ss_family == AF_INET) {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(found).sin_addr, text, sizeof text);
    } else if (found.ss_family == AF_INET6) {
        auto address = reinterpret_cast<const sockaddr_in6&>(found).sin6_addr;
        std::fill(address.s6_addr + 8, address.s6_addr + 16, 0);
        ::inet_ntop(AF_INET6, &address, text, sizeof text);
    }
    return text;
}

} // namespace loom
