#include "app/http/stream.hpp"

#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"

#include <boost/asio/write.hpp>

namespace loom {
namespace {

class PlainStream final : public Stream {
public:
    explicit PlainStream(StreamSocket socket) : socket_(std::move(socket)) {}

    Executor executor() override { return socket_.get_executor(); }
    awaitable<error_code> handshake() override { co_return error_code(); }
    awaitable<ReadSome> read_some(asio::mutable_buffer into) override {
        auto [ec, bytes] = co_await socket_.async_read_some(into, tup);
        co_return ReadSome(ec, bytes);
    }
    awaitable<ReadSome> read_raw(asio::mutable_buffer into) override { return read_some(into); }
    awaitable<error_code> write(std::string_view bytes) override {
        const auto buffer = asio::buffer(bytes);
        auto [ec, written] = co_await asio::async_write(socket_, buffer, tup);
        (void)written;
        co_return ec;
    }
    awaitable<void> finish() override {
        error_code ignored;
        socket_.shutdown(StreamSocket::shutdown_send, ignored);
        co_return;
    }
    void cancel() override {
        error_code ignored;
        socket_.cancel(ignored);
    }
    void close() override {
        error_code ignored;
        socket_.close(ignored);
    }
    int descriptor() override { return socket_.native_handle(); }

private:
    StreamSocket socket_;
};

} // namespace

std::unique_ptr<Stream> plain_stream(StreamSocket socket) { return std::make_unique<PlainStream>(std::move(socket)); }

awaitable<bool> write_in_pieces(Stream& stream, std::string_view bytes, std::chrono::milliseconds each) {
    auto expired = [&stream] { stream.close(); };
    Deadline deadline(stream.executor(), each, expired);
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, limits::http_piece_bytes);
        const auto failed = co_await stream.write(piece);
        if (failed) co_return false;
        bytes.remove_prefix(piece.size());
        deadline.restart();
    }
    co_return true;
}

awaitable<void> end_stream(Stream& stream, bool peer_sends) {
    auto expired = [&stream] { stream.close(); };
    const Deadline deadline(stream.executor(), limits::http_linger_time, expired);
    co_await stream.finish();
    if (!peer_sends) co_return;
    std::string space(16u << 10, '\0');
    for (std::size_t left = limits::http_linger_bytes; left > 0;) {
        const auto into = asio::buffer(space);
        const auto read = co_await stream.read_raw(into);
        if (read.error) co_return;
        left -= std::min(left, read.bytes);
    }
}

} // namespace loom
