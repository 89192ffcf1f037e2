#pragma once
#include "app/http/stream.hpp"
#include "core/base/error.hpp"
#include "core/model/listen.hpp"

#include <boost/asio/ssl/context.hpp>
#include <mutex>
#include <optional>

namespace loom {

using TlsContext = std::shared_ptr<asio::ssl::context>;

/// A server's side: TLS 1.2 and newer, the certificate with its chain, its key, and whose certificates clients must
/// show. Errc::config names the file. Blocks.
Result<TlsContext> server_tls(const TlsFiles& files);

/// TLS over the socket, as the server.
std::unique_ptr<Stream> server_tls_stream(StreamSocket socket, TlsContext context);

/// Refuses a key that others than its owner and group can read (Errc::config, with the chmod to run); one that cannot be
/// looked at passes, for whoever asks may not be the daemon's user. Blocks.
Result<void> check_key_file(const std::string& path);

/// The context of an address, which a reload may replace. Any thread.
class TlsSource {
public:
    TlsSource(TlsFiles files, TlsContext context) : files_(std::move(files)), context_(std::move(context)) {}

    TlsContext current() const {
        const std::lock_guard lock(mutex_);
        return context_;
    }
    /// Reads the files anew, for connections from now on; an error leaves the old ones in force. Blocks.
    Result<void> read_again();

private:
    const TlsFiles files_;
    mutable std::mutex mutex_;
    TlsContext context_;
};

/// How a client checks the server it speaks with.
struct TlsTrust {
    std::string host;    ///< that the certificate must be for
    std::string ca_file; ///< PEM; empty: the system's roots
    std::string pin;     ///< the certificate's SHA-256 in hexadecimal digits, in place of both; empty: none
    std::string certificate, key; ///< that the client shows; empty: none
};

/// `sha256:AB:CD…` or plain digits as 64 lower-case ones; nothing where it is none.
std::optional<std::string> parse_pin(std::string_view text);

/// A client's side. Errc::config names the file that cannot be read. Blocks.
Result<TlsContext> client_tls(const TlsTrust& trust);
/// TLS over the connected socket; why its handshake failed is in words afterwards.
std::unique_ptr<Stream> client_tls_stream(StreamSocket socket, TlsContext context, const TlsTrust& trust,
                                          std::shared_ptr<std::string> why);

} // namespace loom
