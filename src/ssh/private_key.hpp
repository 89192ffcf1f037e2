#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace loom {

/// A user's private key, opened, in memory: ed25519, ecdsa on the three NIST curves, RSA. A value whose copies share the
/// key; any thread.
class PrivateKey {
public:
    /// Errc::config where the key is of a kind that cannot log in.
    static Result<PrivateKey> adopt(std::shared_ptr<evp_pkey_st> key);

    /// The public half as servers know it.
    const std::string& blob() const { return blob_; }

    /// The signature proper, without its algorithm's name (RFC 4253, 5656, 8332, 8709). An algorithm that is not the
    /// key's, or `ssh-rsa` with its SHA-1, is refused.
    Result<std::string> sign(std::string_view algorithm, std::string_view bytes) const;

private:
    std::shared_ptr<evp_pkey_st> key_;
    std::string blob_;
};

/// Opens the text of a private key's file: OpenSSH's own format, PKCS#8 and the older PEM forms. Deriving the key from a
/// passphrase takes 100 ms and more: never on an io thread. The message goes on after the file's name: "is encrypted…".
/// Errc::denied: the passphrase is missing or wrong.
Result<PrivateKey> open_private_key(const std::string& text, const Secret& passphrase);

/// The public half, which OpenSSH's format shows even of an encrypted key; empty where it cannot be told.
std::string public_half(const std::string& text);

} // namespace loom
