#pragma once
#include "app/http/origin.hpp"
#include "app/http/socket_file.hpp"
#include "app/http/tls.hpp"

namespace loom {

using StreamAcceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

/// One place where clients come in.
struct Listener {
    explicit Listener(StreamAcceptor from) : acceptor(std::move(from)) {}

    StreamAcceptor acceptor;
    bool local = false; ///< the unix socket
    HostRule hosts;
    std::shared_ptr<TlsSource> tls; ///< null: none
    std::string shown;              ///< `https://127.0.0.1:8843`
};

/// Listens on a TCP address. Errc::config where its TLS cannot be used, Errc::unavailable where the address is taken; both
/// name the place in loom.yaml. Blocks.
Result<std::unique_ptr<Listener>> listen_on(const Executor& executor, const ListenAddress& address,
                                            const std::vector<std::string>& allowed_hosts);

/// The numeric address at the other end, as connections are counted by: of IPv6 the /64, which one client has whole.
std::string counted_address(int socket);

} // namespace loom
