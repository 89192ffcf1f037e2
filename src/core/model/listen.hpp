#pragma once
#include "core/base/duration.hpp"
#include "core/base/limits.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace loom {

/// The files of a TLS server: PEM, paths absolute.
struct TlsFiles {
    std::string certificate; ///< with its chain; empty: no TLS
    std::string key;
    std::string client_ca; ///< clients must show a certificate of one of these; empty: none is asked for
    friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

/// One TCP address that the daemon listens on.
struct ListenAddress {
    std::string host; ///< numeric, an IPv6 address without its brackets
    std::uint16_t port = 0;
    TlsFiles tls;
    bool behind_proxy = false; ///< something before it speaks TLS with the world
    std::string place;         ///< `loom.yaml:3:5`
    friend bool operator==(const ListenAddress& a, const ListenAddress& b) {
        return a.host == b.host && a.port == b.port && a.tls == b.tls && a.behind_proxy == b.behind_proxy;
    }
};

/// `127.0.0.1:8843`, `[::1]:8843`
std::string to_string(const ListenAddress& address);

/// Whether only this host reaches the numeric address.
bool is_loopback(const std::string& host);

/// What one client, and all of them, may take of the daemon.
struct HttpLimits {
    Milliseconds header = limits::http_header_time; ///< for a request's head, and for TLS's handshake
    Milliseconds body = limits::http_body_time;
    Milliseconds idle = limits::http_idle_time; ///< between requests, and for each piece of a reply
    std::size_t connections = limits::http_connections;
    std::size_t unauthenticated = limits::http_unauthenticated;
    std::size_t per_address = limits::http_per_address; ///< unauthenticated ones
    std::size_t per_token = limits::http_per_token;
    Milliseconds heartbeat = limits::http_heartbeat; ///< between comments on a quiet event stream; no setting
    friend bool operator==(const HttpLimits&, const HttpLimits&) = default;
};

/// loom.yaml's `listen` and `http`. The unix socket is always there.
struct HttpSettings {
    std::vector<ListenAddress> listen;
    std::vector<std::string> allowed_hosts; ///< names in `Host` beside those that are the address's own
    HttpLimits limits;
    friend bool operator==(const HttpSettings&, const HttpSettings&) = default;
};

} // namespace loom
