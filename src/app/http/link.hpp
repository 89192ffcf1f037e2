#pragma once
#include "app/http/server_address.hpp"
#include "core/base/limits.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace loom {

/// A client's connection, and a reply whose head has been read. Shared, because a stream's `close` may come from any thread and
/// be carried out later.
class Link : public std::enable_shared_from_this<Link> {
public:
    explicit Link(const Executor& on) : executor(on) { parser.body_limit(limits::http_reply_bytes); }

    /// Connects, and shakes hands. Errc::unavailable where nobody answers, Errc::denied where the server is not the one that is
    /// trusted.
    awaitable<Result<void>> connect(ServerAddress server);
    /// Writes the request and reads the reply's head; what has come beyond it stays in `buffer`.
    awaitable<error_code> send(std::string request);
    /// The rest of the reply.
    awaitable<error_code> read_body();
    /// Some more bytes into `buffer`.
    awaitable<error_code> read_more();
    void close();

    Executor executor;
    std::unique_ptr<Stream> stream; ///< once it is connected
    std::string buffer;
    boost::beast::http::response_parser<boost::beast::http::string_body> parser;
    bool closed = false;

private:
    awaitable<Result<StreamSocket>> open_socket(ServerAddress server);

    std::function<void()> abort_; ///< ends the connecting
};

} // namespace loom
