#include "fleet/cipher.hpp"

#include <cstring>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <stdexcept>

namespace loom::fleet {

namespace {

constexpr std::size_t block_bytes = 16, gcm_tag_bytes = 16, mac_bytes = 32, padding_least = 4;

unsigned char* raw(char* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

void put_number(char* into, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) into[i] = static_cast<char>(value >> (24 - 8 * i));
}

std::uint32_t number_at(const char* bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

} // namespace

Suite suite_of(std::string_view cipher, std::string_view mac) {
    Suite suite;
    suite.gcm = cipher.find("gcm") != cipher.npos;
    suite.etm = mac.find("etm") != mac.npos;
    const bool small = cipher.starts_with("aes128");
    suite.key_bytes = small ? 16 : 32;
    suite.iv_bytes = suite.gcm ? 12 : 16;
    if (suite.gcm) suite.cipher = small ? crypto().aes128_gcm : crypto().aes256_gcm;
    else suite.cipher = small ? crypto().aes128_ctr : crypto().aes256_ctr;
    return suite;
}

PacketCipher::PacketCipher(const Suite& suite, std::string_view key, std::string_view iv, std::string_view mac_key,
                           bool sealing)
    : suite_(suite), cipher_(EVP_CIPHER_CTX_new()), sealing_(sealing) {
    const auto* const key_bytes = reinterpret_cast<const unsigned char*>(key.data());
    const auto* const iv_bytes = reinterpret_cast<const unsigned char*>(iv.data());
    bool made = EVP_CipherInit_ex2(cipher_.get(), suite.cipher, key_bytes, iv_bytes, sealing ? 1 : 0, nullptr) == 1;
    if (suite.gcm) {
        std::memcpy(nonce_.data(), iv.data(), nonce_.size());
    } else {
        mac_.reset(EVP_MAC_CTX_new(crypto().hmac));
        char digest[] = "SHA256";
        const OSSL_PARAM settings[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                       OSSL_PARAM_construct_end()};
        made = made && mac_ && EVP_MAC_init(mac_.get(), reinterpret_cast<const unsigned char*>(mac_key.data()),
                                            mac_key.size(), settings) == 1;
    }
    if (!made) throw std::runtime_error("cannot set up a cipher");
}

void PacketCipher::seal(std::string& out, std::size_t start, std::uint32_t sequence) {
    // Where the length stays in clear, it is not part of what must fill whole blocks.
    const bool clear_length = suite_.gcm || suite_.etm;
    const auto block = suite_.cipher ? block_bytes : 8;
    const auto filled = out.size() - start - (clear_length ? 4 : 0);
    auto padding = block - filled % block;
    if (padding < padding_least) padding += block;
    out.append(padding, '\0');
    put_number(out.data() + start, static_cast<std::uint32_t>(out.size() - start - 4));
    out[start + 4] = static_cast<char>(padding);
    if (!suite_.cipher) return;

    const auto size = out.size() - start;
    if (suite_.gcm) {
        out.resize(out.size() + gcm_tag_bytes);
        auto* const packet = out.data() + start;
        int done = 0;
        if (!next_nonce() || EVP_CipherUpdate(cipher_.get(), nullptr, &done, raw(packet), 4) != 1 ||
            !crypt(packet + 4, size - 4) || EVP_CipherFinal_ex(cipher_.get(), raw(packet + size), &done) != 1 ||
            EVP_CIPHER_CTX_ctrl(cipher_.get(), EVP_CTRL_AEAD_GET_TAG, gcm_tag_bytes, packet + size) != 1)
            throw std::runtime_error("cannot encrypt");
        return;
    }
    std::array<unsigned char, mac_bytes> tag;
    if (!suite_.etm) tag = mac(sequence, std::string_view(out).substr(start));
    const std::size_t from = suite_.etm ? 4 : 0;
    crypt(out.data() + start + from, size - from);
    if (suite_.etm) tag = mac(sequence, std::string_view(out).substr(start));
    out.append(reinterpret_cast<const char*>(tag.data()), tag.size());
}

std::string PacketCipher::claim(std::uint32_t length) {
    std::string head(block_bytes, '\4');
    put_number(head.data(), length);
    if (suite_.cipher && !suite_.gcm && !suite_.etm) crypt(head.data(), head.size());
    return head;
}

PacketCipher::Opened PacketCipher::open(char* bytes, std::size_t size, std::uint32_t sequence) {
    using State = Opened::State;
    const bool clear_length = !suite_.cipher || suite_.gcm || suite_.etm;
    if (size < (clear_length ? 4 : block_bytes)) return {};
    if (!clear_length && !head_open_) {
        crypt(bytes, block_bytes);
        head_open_ = true;
    }
    const std::size_t length = number_at(bytes);
    const std::size_t tag_bytes = !suite_.cipher ? 0 : suite_.gcm ? gcm_tag_bytes : mac_bytes;
    if (length < 5 || length > packet_bytes_max) return {State::broken, 0, {}};
    const auto packet = 4 + length, whole = packet + tag_bytes;
    if (size < whole) return {};
    head_open_ = false;
    if (suite_.gcm) {
        int done = 0;
        unsigned char none[block_bytes];
        if (length % block_bytes != 0 || !next_nonce() ||
            EVP_CIPHER_CTX_ctrl(cipher_.get(), EVP_CTRL_AEAD_SET_TAG, gcm_tag_bytes, bytes + packet) != 1 ||
            EVP_CipherUpdate(cipher_.get(), nullptr, &done, raw(bytes), 4) != 1 || !crypt(bytes + 4, length) ||
            EVP_CipherFinal_ex(cipher_.get(), none, &done) != 1)
            return {State::broken, 0, {}};
    } else if (suite_.cipher) {
        if (suite_.etm ? length % block_bytes != 0 : packet % block_bytes != 0) return {State::broken, 0, {}};
        if (!suite_.etm) crypt(bytes + block_bytes, packet - block_bytes);
        const auto tag = mac(sequence, std::string_view(bytes, packet));
        if (CRYPTO_memcmp(tag.data(), bytes + packet, tag.size()) != 0) return {State::broken, 0, {}};
        if (suite_.etm) crypt(bytes + 4, length);
    }
    const std::size_t padding = static_cast<unsigned char>(bytes[4]);
    if (padding + 2 > length) return {State::broken, 0, {}}; // a message has one byte at least
    return {State::whole, whole, std::string_view(bytes + head_bytes, length - 1 - padding)};
}

bool PacketCipher::crypt(char* bytes, std::size_t size) {
    int done = 0;
    return EVP_CipherUpdate(cipher_.get(), raw(bytes), &done, raw(bytes), static_cast<int>(size)) == 1;
}

std::array<unsigned char, 32> PacketCipher::mac(std::uint32_t sequence, std::string_view bytes) {
    std::array<unsigned char, 32> tag{};
    std::size_t size = 0;
    char number[4];
    put_number(number, sequence);
    if (EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) != 1 || EVP_MAC_update(mac_.get(), raw(number), 4) != 1 ||
        EVP_MAC_update(mac_.get(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) != 1 ||
        EVP_MAC_final(mac_.get(), tag.data(), &size, tag.size()) != 1)
        throw std::runtime_error("cannot authenticate");
    return tag;
}

/// The nonce of this packet goes in; the last 8 bytes of it count the packets (RFC 5647, section 7.1).
bool PacketCipher::next_nonce() {
    const bool set = EVP_CipherInit_ex2(cipher_.get(), nullptr, nullptr, nonce_.data(), sealing_ ? 1 : 0, nullptr) == 1;
    for (std::size_t i = nonce_.size(); i-- > 4;)
        if (++nonce_[i] != 0) break;
    return set;
}

} // namespace loom::fleet
