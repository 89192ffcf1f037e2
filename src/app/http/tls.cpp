#include "app/http/tls.hpp"

#include "core/base/digest.hpp"

#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

namespace loom {
namespace {

namespace ssl = asio::ssl;

Error tls_error(const std::string& path, const error_code& ec) { return {Errc::config, fmt::format("{}: {}", path, ec.message())}; }

TlsContext make_context(ssl::context::method method) {
    auto context = std::make_shared<ssl::context>(method);
    context->set_options(ssl::context::default_workarounds | ssl::context::no_compression);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
    return context;
}

Result<void> use_certificate(ssl::context& context, const std::string& certificate, const std::string& key) {
    error_code ec;
    // No key asks for a passphrase: nobody is there to answer.
    context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); }, ec);
    context.use_certificate_chain_file(certificate, ec);
    if (ec) return tls_error(certificate, ec);
    context.use_private_key_file(key, ssl::context::pem, ec);
    if (ec) return tls_error(key, ec);
    return {};
}

class TlsStream final : public Stream {
public:
    TlsStream(StreamSocket socket, TlsContext context, ssl::stream_base::handshake_type side)
        : context_(std::move(context)), stream_(std::move(socket), *context_), side_(side) {}

    ssl::stream<StreamSocket>& inner() { return stream_; }

    Executor executor() override { return stream_.get_executor(); }
    awaitable<error_code> handshake() override {
        auto [ec] = co_await stream_.async_handshake(side_, tup);
        co_return ec;
    }
    awaitable<ReadSome> read_some(asio::mutable_buffer into) override {
        auto [ec, bytes] = co_await stream_.async_read_some(into, tup);
        co_return ReadSome(ec, bytes);
    }
    awaitable<ReadSome> read_raw(asio::mutable_buffer into) override {
        auto [ec, bytes] = co_await stream_.next_layer().async_read_some(into, tup);
        co_return ReadSome(ec, bytes);
    }
    awaitable<error_code> write(std::string_view bytes) override {
        const auto buffer = asio::buffer(bytes);
        auto [ec, written] = co_await asio::async_write(stream_, buffer, tup);
        (void)written;
        co_return ec;
    }
    /// Says that this was all (close_notify); without it a cut connection would look like the end.
    awaitable<void> finish() override {
        auto [ec] = co_await stream_.async_shutdown(tup);
        (void)ec;
        error_code ignored;
        stream_.next_layer().shutdown(StreamSocket::shutdown_send, ignored);
    }
    void cancel() override {
        error_code ignored;
        stream_.next_layer().cancel(ignored);
    }
    void close() override {
        error_code ignored;
        stream_.next_layer().close(ignored);
    }
    int descriptor() override { return stream_.next_layer().native_handle(); }

private:
    TlsContext context_;
    ssl::stream<StreamSocket> stream_;
    ssl::stream_base::handshake_type side_;
};

/// The SHA-256 of a certificate's DER form.
std::string fingerprint_of(X509* certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!certificate || X509_digest(certificate, EVP_sha256(), digest, &length) != 1) return {};
    return hex({digest, length});
}

} // namespace

Result<TlsContext> server_tls(const TlsFiles& files) {
    if (auto checked = check_key_file(files.key); !checked) return checked.error();
    auto context = make_context(ssl::context::tls_server);
    if (auto used = use_certificate(*context, files.certificate, files.key); !used) return used.error();
    if (files.client_ca.empty()) return context;
    error_code ec;
    context->load_verify_file(files.client_ca, ec);
    if (ec) return tls_error(files.client_ca, ec);
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, ec);
    // Sessions are not resumed over a client's certificate: without an id OpenSSL refuses to.
    SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
    return context;
}

std::unique_ptr<Stream> server_tls_stream(StreamSocket socket, TlsContext context) {
    return std::make_unique<TlsStream>(std::move(socket), std::move(context), ssl::stream_base::server);
}

Result<void> check_key_file(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0 || (found.st_mode & S_IRWXO) == 0) return {};
    return Error{Errc::config, fmt::format("{}: a private key that everyone on this host can read; run: chmod 600 {}", path, path)};
}

Result<void> TlsSource::read_again() {
    auto fresh = server_tls(files_);
    if (!fresh) return fresh.error();
    const std::lock_guard lock(mutex_);
    context_ = std::move(*fresh);
    return {};
}

std::optional<std::string> parse_pin(std::string_view text) {
    if (text.starts_with("sha256:")) text.remove_prefix(7);
    std::string digits;
    for (const char c : text) {
        if (c == ':') continue;
        if (!std::isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
        digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (digits.size() != 64) return std::nullopt;
    return digits;
}

Result<TlsContext> client_tls(const TlsTrust& trust) {
    auto context = make_context(ssl::context::tls_client);
    error_code ec;
    if (!trust.ca_file.empty()) {
        context->load_verify_file(trust.ca_file, ec);
        if (ec) return tls_error(trust.ca_file, ec);
    } else {
        context->set_default_verify_paths(ec);
        if (ec) return tls_error("the system's certificates", ec);
    }
    context->set_verify_mode(ssl::verify_peer, ec);
    if (!trust.certificate.empty())
        if (auto used = use_certificate(*context, trust.certificate, trust.key); !used) return used.error();
    return context;
}

std::unique_ptr<Stream> client_tls_stream(StreamSocket socket, TlsContext context, const TlsTrust& trust,
                                          std::shared_ptr<std::string> why) {
    auto made = std::make_unique<TlsStream>(std::move(socket), std::move(context), ssl::stream_base::client);
    auto& stream = made->inner();
    SSL_set_tlsext_host_name(stream.native_handle(), trust.host.c_str());
    // For each certificate of the chain, the issuer first; the server's own is the one at depth 0.
    auto check = [why, pin = trust.pin, host = trust.host, by_name = ssl::host_name_verification(trust.host)](bool good, ssl::verify_context& found) {
        auto* store = found.native_handle();
        const bool own = X509_STORE_CTX_get_error_depth(store) == 0;
        if (!pin.empty()) {
            if (!own) return true;
            const auto shown = fingerprint_of(X509_STORE_CTX_get_current_cert(store));
            if (shown != pin) *why = "the server shows the certificate sha256:" + shown + ", not the pinned one";
            return shown == pin;
        }
        if (!good) {
            *why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
            if (own) *why += "; it is sha256:" + fingerprint_of(X509_STORE_CTX_get_current_cert(store));
            return false;
        }
        if (own && !by_name(good, found)) {
            *why = "the certificate is not for " + host;
            return false;
        }
        return true;
    };
    error_code ignored;
    stream.set_verify_callback(std::move(check), ignored);
    return made;
}

} // namespace loom
