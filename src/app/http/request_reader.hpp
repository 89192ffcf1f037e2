#pragma once
#include "app/http/connections.hpp"
#include "app/http/message.hpp"
#include "app/http/request_checks.hpp"
#include "app/http/stream.hpp"

#include <memory>

namespace loom {

/// Reads requests from one connection: first the head alone, by which it is known who asks, and then the body, where somebody
/// wants it. A client that is too slow loses its connection. Lives on the stream's strand.
class RequestReader {
public:
    /// Both outlive it.
    RequestReader(Stream& stream, const HttpLimits& limits);
    ~RequestReader();

    /// False: none came.
    awaitable<bool> wait_for_head();
    /// The request that it begins, without its body; or why it is refused.
    std::optional<Rejection> take_head(HttpRequest& request);
    /// Whether a body follows that was not read: what comes next is no request then.
    bool body_waits() const;
    /// False: it is refused, and `why` says so, or the client left.
    awaitable<bool> read_body(std::string& body, std::optional<Rejection>& why);

private:
    struct Incoming;
    awaitable<bool> read_more();

    Stream& stream_;
    const HttpLimits& limits_;
    std::string buffer_; ///< read and not yet used
    std::unique_ptr<Incoming> incoming_; ///< the present request
};

} // namespace loom
