#include "core/base/hmac.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdexcept>

namespace loom {

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    std::string code(32, '\0');
    unsigned size = 0;
    const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
                            bytes.size(), reinterpret_cast<unsigned char*>(code.data()), &size);
    if (!made || size != code.size()) throw std::runtime_error("HMAC-SHA-256 is not available");
    return code;
}

bool equal_in_constant_time(std::string_view one, std::string_view other) {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

} // namespace loom
