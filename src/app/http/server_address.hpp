#pragma once
#include "app/http/tls.hpp"
#include "core/base/secret.hpp"

#include <atomic>
#include <memory>

namespace loom {

/// A daemon, and how a client speaks with it.
struct ServerAddress {
    enum class Kind : std::uint8_t { unix_socket, http, https };
    Kind kind = Kind::unix_socket;
    std::string path; ///< of the socket
    std::string host; ///< a name, or a numeric address without brackets
    std::uint16_t port = 0;
    Secret token;   ///< empty: none is sent
    TlsTrust trust; ///< its host is this one's
    TlsContext tls; ///< made of the trust; null: not made yet
    /// Whether it has answered once, in whichever way it was spoken to: known to all copies.
    std::shared_ptr<std::atomic_bool> answered = std::make_shared<std::atomic_bool>(false);
    std::string shown; ///< for people: the socket's path, or `https://host:port`

    bool remote() const { return kind != Kind::unix_socket; }
};

ServerAddress socket_server(std::string path);

/// `https://host:port`, `http://127.0.0.1:port`, `unix:PATH`; the port is 8843 where none is said. Errc::usage for anything
/// else, and for http:// to another host: the token would travel in clear. Pure.
Result<ServerAddress> parse_server(std::string_view text);

} // namespace loom
