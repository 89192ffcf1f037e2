#pragma once
#include "core/base/secret.hpp"
#include "ssh/private_key.hpp"

namespace loom {

/// Whether the text is in OpenSSH's own format (openssh-portable, PROTOCOL.key).
bool is_openssh_key(std::string_view text);

/// As `open_private_key`, for that format.
Result<PrivateKey> open_openssh_key(std::string_view text, const Secret& passphrase);

/// The public half, which is never encrypted; empty where the text is not sound.
std::string openssh_public_half(std::string_view text);

} // namespace loom
