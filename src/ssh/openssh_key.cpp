#include "ssh/openssh_key.hpp"

#include "core/base/limits.hpp"
#include "core/base/base64.hpp"
#include "ssh/bcrypt_pbkdf.hpp"
#include "ssh/wire.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <optional>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view end_mark = "-----END OPENSSH PRIVATE KEY-----";

Error damaged() { return {Errc::config, "is damaged: its contents make no key"}; }

/// What the file holds, still encrypted where it is.
struct Container {
    Secret bytes; ///< whose parts the others are
    std::string_view cipher, kdf, kdf_options, public_half, sealed, tag;
};

std::optional<std::string> armoured(std::string_view text) {
    const auto begin = text.find(begin_mark);
    if (begin == text.npos) return std::nullopt;
    text.remove_prefix(begin + begin_mark.size());
    const auto end = text.find(end_mark);
    if (end == text.npos) return std::nullopt;
    std::string letters;
    for (const char letter : text.substr(0, end))
        if (letter != '\n' && letter != '\r' && letter != ' ' && letter != '\t') letters += letter;
    return base64_decode(letters);
}

std::unique_ptr<Container> unpack(std::string_view text) {
    auto bytes = armoured(text);
    if (!bytes) return nullptr;
    auto container = std::make_unique<Container>();
    container->bytes = Secret(std::move(*bytes));
    WireReader reader(container->bytes.reveal());
    constexpr std::string_view magic("openssh-key-v1\0", 15);
    if (reader.bytes(magic.size()) != magic) return nullptr;
    container->cipher = reader.text();
    container->kdf = reader.text();
    container->kdf_options = reader.text();
    if (reader.number() != 1) return nullptr; // several keys in one file were never made
    container->public_half = reader.text();
    container->sealed = reader.text();
    container->tag = reader.rest();
    return reader.ok() ? std::move(container) : nullptr;
}

/// OpenSSL's name for the cipher; null: one that Loom does not open.
const EVP_CIPHER* cipher_of(std::string_view name) {
    if (name == "aes256-ctr") return EVP_aes_256_ctr();
    if (name == "aes192-ctr") return EVP_aes_192_ctr();
    if (name == "aes128-ctr") return EVP_aes_128_ctr();
    if (name == "aes256-cbc") return EVP_aes_256_cbc();
    if (name == "aes192-cbc") return EVP_aes_192_cbc();
    if (name == "aes128-cbc") return EVP_aes_128_cbc();
    if (name == "aes256-gcm@openssh.com") return EVP_aes_256_gcm();
    if (name == "aes128-gcm@openssh.com") return EVP_aes_128_gcm();
    return nullptr;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// Nothing where the cipher's own check fails.
std::optional<Secret> decipher(const EVP_CIPHER* cipher, const Secret& key, std::string_view sealed, std::string_view tag) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    const auto* const material = bytes_of(key.reveal());
    const bool gcm = EVP_CIPHER_get_mode(cipher) == EVP_CIPH_GCM_MODE;
    std::string plain(sealed.size() + EVP_MAX_BLOCK_LENGTH, '\0');
    auto* const out = reinterpret_cast<unsigned char*>(plain.data());
    int size = 0, more = 0;
    bool sound = EVP_DecryptInit_ex(context.get(), cipher, nullptr, material, material + EVP_CIPHER_get_key_length(cipher)) == 1;
    EVP_CIPHER_CTX_set_padding(context.get(), 0);
    if (gcm)
        sound = sound && tag.size() == 16 &&
                EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, 16, const_cast<char*>(tag.data())) == 1;
    sound = sound && EVP_DecryptUpdate(context.get(), out, &size, bytes_of(sealed), static_cast<int>(sealed.size())) == 1 &&
            EVP_DecryptFinal_ex(context.get(), out + size, &more) == 1;
    if (!sound) size = more = 0;
    plain.resize(static_cast<std::size_t>(size + more));
    Secret result(std::move(plain));
    if (!sound) return std::nullopt;
    return result;
}

Result<Secret> unseal(const Container& container, const Secret& passphrase) {
    if (container.cipher == "none") return Secret(std::string(container.sealed));
    const auto* const cipher = cipher_of(container.cipher);
    if (!cipher || container.kdf != "bcrypt")
        return Error{Errc::config, fmt::format("is encrypted by {} with {}, which Loom does not open; write it anew with "
                                               "ssh-keygen -p",
                                               std::string(container.cipher.substr(0, 40)), std::string(container.kdf.substr(0, 40)))};
    if (passphrase.empty()) return Error{Errc::denied, "is encrypted, and no passphrase is configured"};
    WireReader options(container.kdf_options);
    const auto salt = options.text();
    const auto rounds = options.number();
    if (!options.ok() || rounds == 0) return damaged();
    if (rounds > limits::key_rounds)
        return Error{Errc::config, fmt::format("asks for {} rounds of key derivation; at most {} are done (ssh-keygen -p -a 16)",
                                               rounds, limits::key_rounds)};
    const auto block = static_cast<std::size_t>(EVP_CIPHER_get_block_size(cipher));
    if (container.sealed.size() % block != 0 || container.sealed.size() > limits::config_file_bytes) return damaged();
    const auto size = static_cast<std::size_t>(EVP_CIPHER_get_key_length(cipher) + EVP_CIPHER_get_iv_length(cipher));
    const Secret key(bcrypt_pbkdf(passphrase.reveal(), salt, rounds, size));
    auto plain = decipher(cipher, key, container.sealed, container.tag);
    if (plain) {
        // Two equal numbers at the start say that the passphrase was right.
        WireReader check(plain->reveal());
        const auto first = check.number(), second = check.number();
        if (check.ok() && first == second) return std::move(*plain);
    }
    return Error{Errc::denied, "does not open with the passphrase that is configured"};
}

struct Free {
    void operator()(BIGNUM* number) const { BN_clear_free(number); }
    void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
    void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
    void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIGNUM> number_of(std::string_view mpint) {
    return Owned<BIGNUM>(BN_bin2bn(bytes_of(mpint), static_cast<int>(mpint.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) { return std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free); }

/// Null where OpenSSL does not take the parameters.
std::shared_ptr<EVP_PKEY> build(const char* algorithm, OSSL_PARAM_BLD* builder) {
    const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder));
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1)
        return nullptr;
    return shared(key);
}

std::shared_ptr<EVP_PKEY> read_ed25519(WireReader& reader) {
    reader.text();
    const auto both = reader.text(); // the seed, then the public half again
    if (!reader.ok() || both.size() != 64) return nullptr;
    return shared(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(both), 32));
}

std::shared_ptr<EVP_PKEY> read_ecdsa(WireReader& reader) {
    const auto curve = reader.text(), point = reader.text(), secret = reader.text();
    const char* const group = curve == "nistp256" ? "prime256v1" : curve == "nistp384" ? "secp384r1" : "secp521r1";
    if (!reader.ok() || point.empty() || secret.size() > 67) return nullptr;
    const auto number = number_of(secret);
    const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get());
    return build("EC", builder.get());
}

std::shared_ptr<EVP_PKEY> read_rsa(WireReader& reader) {
    const auto n_bytes = reader.text(), e_bytes = reader.text(), d_bytes = reader.text(), inverse_bytes = reader.text(),
               p_bytes = reader.text(), q_bytes = reader.text();
    // 16,384 bits are OpenSSH's bound too.
    if (!reader.ok() || n_bytes.size() > 2049 || e_bytes.size() > 9 || d_bytes.size() > 2049 || inverse_bytes.size() > 2049 ||
        p_bytes.size() > 2049 || q_bytes.size() > 2049)
        return nullptr;
    const auto n = number_of(n_bytes), e = number_of(e_bytes), d = number_of(d_bytes), inverse = number_of(inverse_bytes),
               p = number_of(p_bytes), q = number_of(q_bytes);
    const Owned<BIGNUM> below(BN_dup(p.get())), d_p(BN_new()), d_q(BN_new());
    const Owned<BN_CTX> context(BN_CTX_new());
    if (BN_is_zero(p.get()) || BN_is_zero(q.get()) || BN_is_one(p.get()) || BN_is_one(q.get())) return nullptr;
    BN_sub_word(below.get(), 1);
    if (BN_mod(d_p.get(), d.get(), below.get(), context.get()) != 1) return nullptr;
    BN_copy(below.get(), q.get());
    BN_sub_word(below.get(), 1);
    if (BN_mod(d_q.get(), d.get(), below.get(), context.get()) != 1) return nullptr;
    const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_D, d.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_FACTOR1, p.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_FACTOR2, q.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_EXPONENT1, d_p.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_EXPONENT2, d_q.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_COEFFICIENT1, inverse.get());
    return build("RSA", builder.get());
}

} // namespace

bool is_openssh_key(std::string_view text) { return text.find(begin_mark) != text.npos; }

std::string openssh_public_half(std::string_view text) {
    const auto container = unpack(text);
    return container ? std::string(container->public_half) : std::string();
}

Result<PrivateKey> open_openssh_key(std::string_view text, const Secret& passphrase) {
    const auto container = unpack(text);
    if (!container) return damaged();
    const auto plain = unseal(*container, passphrase);
    if (!plain) return plain.error();
    WireReader reader(plain->reveal());
    const auto first = reader.number(), second = reader.number();
    const auto type = reader.text();
    if (!reader.ok() || first != second) return damaged();
    std::shared_ptr<EVP_PKEY> made;
    if (type == "ssh-ed25519") made = read_ed25519(reader);
    else if (type.starts_with("ecdsa-sha2-nistp")) made = read_ecdsa(reader);
    else if (type == "ssh-rsa") made = read_rsa(reader);
    else if (type.starts_with("sk-"))
        return Error{Errc::config, "is of a security key, which only ssh-agent can use (ssh-add)"};
    else return Error{Errc::config, fmt::format("is of the type {}, which cannot log in", std::string(type.substr(0, 40)))};
    if (!made) return damaged();
    auto key = PrivateKey::adopt(std::move(made));
    if (key && key->blob() != container->public_half) return damaged();
    return key;
}

} // namespace loom
