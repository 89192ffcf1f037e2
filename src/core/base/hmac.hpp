#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace loom {

/// HMAC-SHA-256 (RFC 2104, FIPS 198-1) of the bytes: 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// Whether the two are equal, in a time that tells no more than whether their lengths are.
bool equal_in_constant_time(std::string_view one, std::string_view other);

} // namespace loom
