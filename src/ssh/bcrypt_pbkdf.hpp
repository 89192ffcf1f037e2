#pragma once
#include <string>
#include <string_view>

namespace loom {

/// The key of `size` bytes (at most 1024) that OpenSSH derives from a passphrase (bcrypt_pbkdf(3) of OpenBSD). Burns
/// about ten milliseconds of CPU for each round: never on an io thread. Any thread.
std::string bcrypt_pbkdf(std::string_view passphrase, std::string_view salt, unsigned rounds, std::size_t size);

} // namespace loom
