#pragma once
#include <span>
#include <string>
#include <string_view>

namespace loom {

/// Lower-case hexadecimal digits, two a byte.
std::string hex(std::span<const unsigned char> bytes);

/// So many random bytes, of the system's generator for secrets, in hexadecimal digits.
std::string random_hex(std::size_t bytes);

/// SHA-256 of the bytes, in 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// SHA-256 of bytes that come in pieces.
class Sha256 {
public:
    Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    ~Sha256();
    void add(std::string_view bytes);
    /// Once, at the end.
    std::string hex();

private:
    void* context_; ///< EVP_MD_CTX
};

/// A UUID version 7 (RFC 9562, 5.7): ordered by its millisecond, then, within this process, by the calls for it (6.2, method 1);
/// the rest random. `unix_ms` since 1970.
std::string uuid_v7(long long unix_ms);
/// What stands before each of that millisecond and behind each of an earlier one.
std::string uuid_v7_from(long long unix_ms);

} // namespace loom
