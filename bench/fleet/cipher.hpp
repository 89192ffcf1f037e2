#pragma once
#include "fleet/crypto.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace loom::fleet {

/// What one direction was negotiated to use.
struct Suite {
    const EVP_CIPHER* cipher = nullptr; ///< null: in clear, as before the first key exchange
    std::size_t key_bytes = 0, iv_bytes = 0;
    bool gcm = false; ///< it authenticates by itself (RFC 5647 with the length in clear)
    bool etm = false; ///< hmac-sha2-256-etm@openssh.com, else hmac-sha2-256
};

/// The names that are offered, and what a chosen pair of them means.
inline constexpr std::string_view cipher_names = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr";
inline constexpr std::string_view mac_names = "hmac-sha2-256-etm@openssh.com,hmac-sha2-256";
Suite suite_of(std::string_view cipher, std::string_view mac);

/// A packet may be this large (RFC 4253, section 6.1, asks for 35000; libssh2 and OpenSSH send somewhat more).
inline constexpr std::size_t packet_bytes_max = 256u << 10;

/// Packets of one direction under one set of keys (RFC 4253, section 6): frames, encrypts, authenticates, in place.
class PacketCipher {
public:
    PacketCipher() = default; ///< in clear
    PacketCipher(const Suite& suite, std::string_view key, std::string_view iv, std::string_view mac_key, bool sealing);

    /// A packet's first bytes; the message follows, then `seal`.
    static constexpr std::size_t head_bytes = 5;
    /// Makes a packet of everything in `out` from `start` on, where `head_bytes` were left free.
    void seal(std::string& out, std::size_t start, std::uint32_t sequence);
    /// The beginning of a packet that claims to be `length` bytes long, with nothing behind it.
    std::string claim(std::uint32_t length);

    struct Opened {
        enum class State { incomplete, broken, whole } state = State::incomplete;
        std::size_t bytes = 0; ///< what the packet took
        std::string_view message;
    };
    /// Looks for one packet at the beginning of `bytes`, decrypting there. What is incomplete must be given again, from
    /// the same beginning.
    Opened open(char* bytes, std::size_t size, std::uint32_t sequence);

private:
    bool crypt(char* bytes, std::size_t size);
    std::array<unsigned char, 32> mac(std::uint32_t sequence, std::string_view bytes);
    bool next_nonce();

    Suite suite_;
    CipherContext cipher_;
    MacContext mac_;
    std::array<unsigned char, 12> nonce_{};
    bool head_open_ = false; ///< the first block of a packet whose length is encrypted was decrypted
    bool sealing_ = false;
};

} // namespace loom::fleet
