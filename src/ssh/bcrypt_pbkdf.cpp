#include "ssh/bcrypt_pbkdf.hpp"

#include "ssh/wire.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <vector>

namespace loom {

namespace {

/// Blowfish (B. Schneier, 1993). Its tables begin as the digits of pi.
struct Blowfish {
    std::array<std::uint32_t, 18> p;
    std::array<std::uint32_t, 1024> s;

    std::uint32_t f(std::uint32_t x) const {
        return ((s[x >> 24] + s[256 + (x >> 16 & 0xff)]) ^ s[512 + (x >> 8 & 0xff)]) + s[768 + (x & 0xff)];
    }
    void encipher(std::uint32_t& left, std::uint32_t& right) const {
        for (std::size_t i = 0; i < 16; i += 2) {
            left ^= p[i];
            right ^= f(left);
            right ^= p[i + 1];
            left ^= f(right);
        }
        left ^= p[16];
        right ^= p[17];
        std::swap(left, right);
    }
};

/// A fixed-point number: one word before the point, the rest behind it.
using Number = std::vector<std::uint32_t>;

void divide(Number& number, std::uint32_t divisor, std::size_t from, Number& into) {
    std::uint64_t rest = 0;
    for (auto i = from; i < number.size(); ++i) {
        rest = rest << 32 | number[i];
        into[i] = static_cast<std::uint32_t>(rest / divisor);
        rest %= divisor;
    }
}

/// Adds `times` * arctan(1/x), or takes it away: the power series of the arc tangent.
void add_arctan(Number& sum, std::uint32_t times, std::uint32_t x, bool subtract) {
    Number power(sum.size()), term(sum.size());
    power[0] = times;
    divide(power, x, 0, power);
    std::size_t from = 0;
    for (std::uint32_t odd = 1;; odd += 2) {
        while (from < power.size() && power[from] == 0) term[from++] = 0;
        if (from == power.size()) return;
        divide(power, odd, from, term);
        std::int64_t carry = 0;
        for (auto i = sum.size(); i-- > 0 && (i >= from || carry != 0);) {
            const auto here = i >= from ? static_cast<std::int64_t>(term[i]) : 0;
            carry += static_cast<std::int64_t>(sum[i]) + (subtract ? -here : here);
            sum[i] = static_cast<std::uint32_t>(carry & 0xffffffff);
            carry >>= 32;
        }
        subtract = !subtract;
        divide(power, x * x, from, power);
    }
}

/// The tables before any key: the fraction of pi, 32 bits at a time. Computed (Machin's formula) where others print
/// four pages of constants; takes some 50 ms, once in a process that meets an encrypted key.
const Blowfish& initial() {
    static const auto tables = [] {
        Number pi(1 + 18 + 1024 + 2); // two words more than needed take the error of rounding
        add_arctan(pi, 16, 5, false);
        add_arctan(pi, 4, 239, true);
        Blowfish made;
        std::copy_n(pi.begin() + 1, 18, made.p.begin());
        std::copy_n(pi.begin() + 19, 1024, made.s.begin());
        return made;
    }();
    return tables;
}

using Sha512 = std::array<unsigned char, SHA512_DIGEST_LENGTH>;
using Words = std::array<std::uint32_t, SHA512_DIGEST_LENGTH / 4>;

Sha512 sha512(std::string_view bytes) {
    Sha512 digest;
    SHA512(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    return digest;
}

Words words_of(const Sha512& digest) {
    Words words;
    WireReader reader(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
    for (auto& word : words) word = reader.number();
    return words;
}

/// Mixes the key, and the salt where there is one, into the tables.
void expand(Blowfish& state, const Words& key, const Words* salt) {
    for (std::size_t i = 0; i < state.p.size(); ++i) state.p[i] ^= key[i % key.size()];
    std::uint32_t left = 0, right = 0;
    std::size_t at = 0;
    const auto fill = [&](auto& table) {
        for (std::size_t i = 0; i < table.size(); i += 2) {
            if (salt) {
                left ^= (*salt)[at++ % salt->size()];
                right ^= (*salt)[at++ % salt->size()];
            }
            state.encipher(left, right);
            table[i] = left;
            table[i + 1] = right;
        }
    };
    fill(state.p);
    fill(state.s);
}

using Block = std::array<char, 32>;

Block bcrypt_hash(const Sha512& passphrase, const Sha512& salt) {
    const auto key = words_of(passphrase), mixed = words_of(salt);
    const auto state = std::make_unique<Blowfish>(initial());
    expand(*state, key, &mixed);
    for (int i = 0; i < 64; ++i) {
        expand(*state, mixed, nullptr);
        expand(*state, key, nullptr);
    }
    std::array<std::uint32_t, 8> text;
    WireReader reader("OxychromaticBlowfishSwatDynamite");
    for (auto& word : text) word = reader.number();
    for (int i = 0; i < 64; ++i)
        for (std::size_t j = 0; j < text.size(); j += 2) state->encipher(text[j], text[j + 1]);
    Block block;
    for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<char>(text[i / 4] >> 8 * (i % 4));
    OPENSSL_cleanse(state.get(), sizeof *state);
    return block;
}

} // namespace

std::string bcrypt_pbkdf(std::string_view passphrase, std::string_view salt, unsigned rounds, std::size_t size) {
    const auto hashed = sha512(passphrase);
    std::string key(size, '\0');
    // Each block's bytes are spread over the whole key.
    const auto stride = (size + sizeof(Block) - 1) / sizeof(Block);
    for (std::size_t count = 1; count <= stride; ++count) {
        std::string counted(salt);
        put_number(counted, static_cast<std::uint32_t>(count));
        auto block = bcrypt_hash(hashed, sha512(counted));
        auto sum = block;
        for (unsigned i = 1; i < rounds; ++i) {
            block = bcrypt_hash(hashed, sha512(std::string_view(block.data(), block.size())));
            for (std::size_t j = 0; j < sum.size(); ++j) sum[j] = static_cast<char>(sum[j] ^ block[j]);
        }
        for (std::size_t i = 0; i < sum.size() && i * stride + count - 1 < size; ++i) key[i * stride + count - 1] = sum[i];
    }
    return key;
}

} // namespace loom
