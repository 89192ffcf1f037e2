#pragma once
#include "core/async/asio.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <string_view>

namespace loom {

/// A socket of any kind that carries a stream: unix(7), tcp(7).
using StreamSocket = asio::generic::stream_protocol::socket;

/// How many bytes came, or why none did.
struct ReadSome {
    ReadSome(error_code failure, std::size_t count) : error(failure), bytes(count) {}
    error_code error;
    std::size_t bytes = 0;
};

/// One connection's bytes, whatever carries them: a unix socket, TCP, or TLS over either. Lives on its executor; one
/// read and one write may be under way at once. `close` and `cancel` end what waits.
class Stream {
public:
    virtual ~Stream() = default;
    virtual Executor executor() = 0;
    /// Before anything else: TLS's handshake. Its end is the caller's deadline.
    virtual awaitable<error_code> handshake() = 0;
    /// At least one byte; asio::error::eof at the peer's end.
    virtual awaitable<ReadSome> read_some(asio::mutable_buffer into) = 0;
    /// All of it.
    virtual awaitable<error_code> write(std::string_view bytes) = 0;
    /// Tells the peer that nothing more comes.
    virtual awaitable<void> finish() = 0;
    virtual void cancel() = 0;
    virtual void close() = 0;
    virtual int descriptor() = 0;
    /// Reads and forgets what the peer still sends, below TLS, so that closing does not take back what it has not read yet.
    virtual awaitable<ReadSome> read_raw(asio::mutable_buffer into) = 0;
};

/// The bytes as they are.
std::unique_ptr<Stream> plain_stream(StreamSocket socket);

/// Writes in pieces, each taken within `each`: a peer that reads too slowly ends it. True when all is written.
awaitable<bool> write_in_pieces(Stream& stream, std::string_view bytes, std::chrono::milliseconds each);

/// Ends the connection in peace: `finish`, and where the peer is still sending, a moment in which that is read.
awaitable<void> end_stream(Stream& stream, bool peer_sends);

} // namespace loom
