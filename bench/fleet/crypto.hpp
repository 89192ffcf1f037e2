#pragma once
#include <array>
#include <memory>
#include <openssl/evp.h>
#include <optional>
#include <string>
#include <string_view>

namespace loom::fleet {

/// libcrypto's algorithms, fetched once: OpenSSL 3 looks them up by name at every implicit use, which costs as much as
/// hashing a small message.
struct Crypto {
    EVP_MD* sha256;
    EVP_CIPHER *aes128_gcm, *aes256_gcm, *aes128_ctr, *aes256_ctr;
    EVP_MAC* hmac;
};
const Crypto& crypto();

template <class T, void (*release)(T*)>
struct Release {
    void operator()(T* object) const { release(object); }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY, EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX, EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Release<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Release<EVP_MAC_CTX, EVP_MAC_CTX_free>>;

std::string sha256(std::string_view bytes);

/// An ssh-ed25519 key (RFC 8709). Any thread, once made.
class HostKey {
public:
    /// The same seed gives the same key, so that recorded keys stay valid from run to run.
    explicit HostKey(std::string_view seed);
    const std::string& blob() const { return blob_; }
    /// `ssh-ed25519 AAAA...`, as known_hosts has it.
    std::string line() const;
    /// The signature as it goes over the wire: the algorithm's name and 64 bytes.
    std::string sign(std::string_view bytes) const;

private:
    PrivateKey key_;
    DigestContext prepared_; ///< copied for each signature: that spares looking the algorithm up
    std::string blob_;
};

/// Checks a signature of the wire's form by a key of the wire's form; only ssh-ed25519 is known.
bool verify_ed25519(std::string_view key_blob, std::string_view signature_blob, std::string_view bytes);

/// One side of an X25519 exchange (RFC 8731): our public value and the secret shared with `peer`.
struct Exchange {
    std::string ours, secret;
};
/// Nothing where the peer's value is none. Our key serves 64 exchanges of a thread: a simulator has no secrets, and
/// making keys would be a tenth of what a session costs it.
std::optional<Exchange> exchange_x25519(std::string_view peer);

std::string base64(std::string_view bytes);

} // namespace loom::fleet
