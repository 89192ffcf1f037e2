#include "ssh/private_key.hpp"

#include "ssh/openssh_key.hpp"
#include "ssh/wire.hpp"

#include <algorithm>
#include <cstring>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

Error not_usable() {
    return {Errc::config, "is of a kind that cannot log in; ed25519, ecdsa (nistp256, nistp384, nistp521) and RSA can"};
}

void put_number_of(std::string& bytes, const BIGNUM* number) {
    std::string magnitude(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(magnitude.data()));
    put_mpint(bytes, magnitude);
}

bool put_parameter(std::string& bytes, const EVP_PKEY* key, const char* name) {
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return false;
    put_number_of(bytes, number);
    BN_free(number);
    return true;
}

/// The curve's name in SSH; empty: another curve.
std::string curve_of(const EVP_PKEY* key) {
    char name[64] = {};
    if (EVP_PKEY_get_group_name(key, name, sizeof name, nullptr) != 1) return {};
    const std::string_view group(name);
    if (group == "prime256v1" || group == "P-256") return "nistp256";
    if (group == "secp384r1" || group == "P-384") return "nistp384";
    if (group == "secp521r1" || group == "P-521") return "nistp521";
    return {};
}

/// Empty for a key that cannot log in.
std::string blob_of(EVP_PKEY* key) {
    std::string bytes;
    if (EVP_PKEY_is_a(key, "ED25519")) {
        char raw[32];
        std::size_t size = sizeof raw;
        if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw), &size) != 1) return {};
        put_text(bytes, "ssh-ed25519");
        put_text(bytes, std::string_view(raw, size));
    } else if (EVP_PKEY_is_a(key, "EC")) {
        const auto curve = curve_of(key);
        unsigned char* point = nullptr;
        const auto size = EVP_PKEY_get1_encoded_public_key(key, &point);
        if (!curve.empty() && size > 0) {
            put_text(bytes, "ecdsa-sha2-" + curve);
            put_text(bytes, curve);
            put_text(bytes, std::string_view(reinterpret_cast<const char*>(point), size));
        }
        OPENSSL_free(point);
    } else if (EVP_PKEY_is_a(key, "RSA")) {
        put_text(bytes, "ssh-rsa");
        if (!put_parameter(bytes, key, OSSL_PKEY_PARAM_RSA_E) || !put_parameter(bytes, key, OSSL_PKEY_PARAM_RSA_N)) return {};
    }
    return bytes;
}

/// SSH writes the two numbers of an ECDSA signature, OpenSSL an ASN.1 sequence of them (RFC 5656, section 3.1.2).
Result<std::string> two_numbers(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), &ECDSA_SIG_free);
    if (!signature) return Error{Errc::failed, "cannot sign"};
    std::string bytes;
    put_number_of(bytes, ECDSA_SIG_get0_r(signature.get()));
    put_number_of(bytes, ECDSA_SIG_get0_s(signature.get()));
    return bytes;
}

const EVP_MD* digest_of(std::string_view algorithm) {
    if (algorithm == "rsa-sha2-256" || algorithm == "ecdsa-sha2-nistp256") return EVP_sha256();
    if (algorithm == "ecdsa-sha2-nistp384") return EVP_sha384();
    if (algorithm == "rsa-sha2-512" || algorithm == "ecdsa-sha2-nistp521") return EVP_sha512();
    return nullptr; // ed25519 hashes by itself
}

struct Asked {
    const Secret* passphrase;
    bool asked = false;
};

int give_passphrase(char* buffer, int size, int, void* self) {
    auto& asked = *static_cast<Asked*>(self);
    asked.asked = true;
    const auto& text = asked.passphrase->reveal();
    if (text.empty() || text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(buffer, text.data(), text.size());
    return static_cast<int>(text.size());
}

Result<PrivateKey> open_pem_key(const std::string& text, const Secret& passphrase) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
    Asked asked{&passphrase};
    std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_passphrase, &asked), EVP_PKEY_free);
    ERR_clear_error(); // the queue is the thread's
    if (key) return PrivateKey::adopt(std::move(key));
    if (asked.asked && passphrase.empty()) return Error{Errc::denied, "is encrypted, and no passphrase is configured"};
    if (asked.asked) return Error{Errc::denied, "does not open with the passphrase that is configured"};
    return Error{Errc::config, "is damaged: its contents make no key"};
}

} // namespace

Result<PrivateKey> PrivateKey::adopt(std::shared_ptr<evp_pkey_st> key) {
    PrivateKey made;
    made.blob_ = blob_of(key.get());
    if (made.blob_.empty()) return not_usable();
    made.key_ = std::move(key);
    return made;
}

Result<std::string> PrivateKey::sign(std::string_view algorithm, std::string_view bytes) const {
    WireReader reader(blob_);
    const auto type = reader.text();
    const bool fits = type == "ssh-rsa" ? algorithm == "rsa-sha2-256" || algorithm == "rsa-sha2-512" : algorithm == type;
    if (!fits) return Error{Errc::failed, fmt::format("cannot sign by {}", std::string(algorithm.substr(0, 60)))};
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
    std::size_t size = 0;
    std::string signature;
    bool sound = EVP_DigestSignInit(context.get(), nullptr, digest_of(algorithm), nullptr, key_.get()) == 1 &&
                 EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size()) == 1;
    if (sound) {
        signature.resize(size);
        sound = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data, bytes.size()) == 1;
        signature.resize(size);
    }
    if (!sound) {
        ERR_clear_error();
        return Error{Errc::failed, "cannot sign"};
    }
    return type.starts_with("ecdsa") ? two_numbers(signature) : Result<std::string>(std::move(signature));
}

Result<PrivateKey> open_private_key(const std::string& text, const Secret& passphrase) {
    if (text.find("PRIVATE KEY-----") == text.npos) return Error{Errc::config, "is not a private key"};
    return is_openssh_key(text) ? open_openssh_key(text, passphrase) : open_pem_key(text, passphrase);
}

std::string public_half(const std::string& text) {
    if (is_openssh_key(text)) return openssh_public_half(text);
    const auto key = open_private_key(text, Secret());
    return key ? key->blob() : std::string();
}

} // namespace loom
