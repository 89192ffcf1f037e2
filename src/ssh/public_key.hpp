#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace loom {

/// Public keys and certificates of users as bytes: what ssh-agent, `.pub` files and servers exchange (RFC 4253, section
/// 6.6; OpenSSH's PROTOCOL.certkeys). All pure.

/// The type that the bytes begin with; empty where they begin with none.
std::string_view key_type(std::string_view blob);

bool is_certificate(std::string_view type);

/// The type of the key that a certificate certifies; any other type as it is.
std::string plain_type(std::string_view type);

/// The key that a certificate certifies, any other key as it is; empty where the bytes are no sound key.
std::string plain_blob(std::string_view blob);

/// `SHA256:…`, of a plain key's blob.
std::string fingerprint(std::string_view blob);

/// `ED25519 SHA256:…`, `RSA-CERT SHA256:…` as ssh-keygen -l says it: a certificate has its key's fingerprint.
std::string key_words(std::string_view blob);

/// Whether users can log in with a key or certificate of this type.
bool serves_login(std::string_view type);

/// The key of a line of a `.pub` file, `ssh-ed25519 AAAA… comment`; nothing for any other text.
std::optional<std::string> public_key_of_line(std::string_view text);

} // namespace loom
