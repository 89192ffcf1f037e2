#include "core/base/digest.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <spdlog/fmt/fmt.h>
#include <stdexcept>
#include <vector>

namespace loom {

std::string hex(std::span<const unsigned char> bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

namespace {

/// Looked up once: OpenSSL 3 otherwise does so for each digest, which takes a third of the digest of a short text.
const EVP_MD* sha256() {
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return algorithm;
}

/// Twelve bits that grow with each call for the same millisecond, from `first` (eleven bits) on.
unsigned place_within(long long unix_ms, unsigned first) {
    static std::mutex mutex;
    static long long last_ms = -1;
    static unsigned last = 0;
    const std::lock_guard lock(mutex);
    last = unix_ms == last_ms ? std::min(last + 1, 0xfffU) : first;
    last_ms = unix_ms;
    return last;
}

} // namespace

std::string random_hex(std::size_t bytes) {
    std::vector<unsigned char> random(bytes);
    if (RAND_priv_bytes(random.data(), static_cast<int>(bytes)) != 1) throw std::runtime_error("no random bytes");
    return hex(random);
}

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, 32> out{};
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, sha256(), nullptr) != 1)
        throw std::runtime_error("SHA-256 is not available");
    return hex(out);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), sha256(), nullptr) != 1)
        throw std::runtime_error("SHA-256 is not available");
}

Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256::add(std::string_view bytes) {
    EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}

std::string Sha256::hex() {
    std::array<unsigned char, 32> out{};
    unsigned size = 0;
    EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), out.data(), &size);
    return loom::hex(out);
}

std::string uuid_v7(long long unix_ms) {
    std::array<unsigned char, 16> id{};
    if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1) throw std::runtime_error("no random bytes");
    const auto place = place_within(unix_ms, static_cast<unsigned>(id[6]) << 3 | id[7] >> 5);
    id[6] = static_cast<unsigned char>(place >> 8);
    id[7] = static_cast<unsigned char>(place);
    for (int i = 0; i < 6; ++i) id[static_cast<std::size_t>(i)] = static_cast<unsigned char>(unix_ms >> (8 * (5 - i)));
    id[6] = static_cast<unsigned char>((id[6] & 0x0f) | 0x70);
    id[8] = static_cast<unsigned char>((id[8] & 0x3f) | 0x80);
    auto text = hex(id);
    for (const std::size_t at : {20u, 16u, 12u, 8u}) text.insert(at, 1, '-');
    return text;
}

std::string uuid_v7_from(long long unix_ms) {
    auto text = fmt::format("{:012x}", unix_ms);
    text.insert(8, 1, '-');
    return text;
}

} // namespace loom
