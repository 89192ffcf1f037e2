#pragma once
#include "core/async/asio.hpp"
#include "core/base/error.hpp"
#include "ssh/resolver.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <string>

namespace loom {

/// Where a connection may go, and what makes it.
struct NetPlace {
    std::string host;
    std::uint16_t port = 0;
    bool allow_private = false; ///< addresses that are not public (is_public)
};

/// A connection outward, TLS or plain: to one of the very addresses that were looked up and judged. Lives on its executor; whoever made it
/// gives the deadline, and `close` ends what waits. Errors are Errc::unavailable, an address that is refused is Errc::denied.
class NetLink {
public:
    explicit NetLink(const Executor& executor) : socket_(executor) {}
    NetLink(const NetLink&) = delete;
    NetLink& operator=(const NetLink&) = delete;

    awaitable<Result<void>> connect(Resolver& resolver, NetPlace place);
    /// TLS 1.2 or newer from now on, the certificate verified against the system's roots (or SSL_CERT_FILE) and this name. `blocking` reads those.
    awaitable<Result<void>> encrypt(Executor blocking, std::string host);
    awaitable<Result<void>> write(std::string bytes);
    /// At least a byte; empty at the peer's end.
    awaitable<Result<std::string>> read_some();
    void close();

private:
    using TlsStream = asio::ssl::stream<asio::ip::tcp::socket&>;

    asio::ip::tcp::socket socket_;
    std::shared_ptr<asio::ssl::context> context_;
    std::unique_ptr<TlsStream> tls_;
    std::string host_;
};

} // namespace loom
