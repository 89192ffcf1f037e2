#include "app/http/server_address.hpp"

#include <boost/url/parse.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::uint16_t default_port = 8843;

Error malformed(std::string_view text) {
    return usage_error(fmt::format("expected https://HOST:PORT, http://127.0.0.1:PORT or unix:PATH, not \"{}\"", text));
}

} // namespace

ServerAddress socket_server(std::string path) {
    ServerAddress server;
    server.shown = path;
    server.path = std::move(path);
    return server;
}

Result<ServerAddress> parse_server(std::string_view text) {
    if (text.starts_with("unix:")) {
        auto path = text.substr(5);
        if (path.starts_with("//")) path.remove_prefix(2);
        if (!path.starts_with('/')) return malformed(text);
        return socket_server(std::string(path));
    }
    const auto url = boost::urls::parse_uri(text);
    if (!url) return malformed(text);
    const bool secure = url->scheme() == "https";
    const bool bare = (url->path().empty() || url->path() == "/") && !url->has_query() && !url->has_fragment() && !url->has_userinfo();
    if ((!secure && url->scheme() != "http") || !bare || url->host().empty()) return malformed(text);
    ServerAddress server;
    server.kind = secure ? ServerAddress::Kind::https : ServerAddress::Kind::http;
    server.host = url->host_address();
    server.port = url->has_port() ? url->port_number() : default_port;
    if (server.port == 0) return malformed(text);
    if (!secure && server.host != "localhost" && !is_loopback(server.host))
        return usage_error(fmt::format("{}: over http:// the token would be read on its way; use https://", text));
    server.trust.host = server.host;
    const bool six = server.host.find(':') != std::string::npos;
    server.shown = fmt::format("{}://{}{}{}:{}", secure ? "https" : "http", six ? "[" : "", server.host, six ? "]" : "", server.port);
    return server;
}

} // namespace loom
