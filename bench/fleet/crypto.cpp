#include "fleet/crypto.hpp"

#include "fleet/wire.hpp"

#include <algorithm>
#include <stdexcept>

namespace loom::fleet {

namespace {

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;

constexpr std::string_view key_type = "ssh-ed25519";
constexpr int exchanges_a_key = 64;

/// A user's key that is ready to verify with. One client mostly shows one key, so each thread keeps the last.
struct Verifier {
    std::string shown;
    PrivateKey key;
    DigestContext prepared;
};

/// Our side of key exchanges.
struct Ephemeral {
    PrivateKey key;
    KeyContext prepared;
    std::string shown;
    int uses = 0;

    bool renew() {
        key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
        if (!key) return false;
        shown.assign(32, '\0');
        auto size = shown.size();
        prepared.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
        uses = 0;
        return prepared && EVP_PKEY_get_raw_public_key(key.get(), bytes_of(shown), &size) == 1 &&
               EVP_PKEY_derive_init(prepared.get()) == 1;
    }
};

} // namespace

const Crypto& crypto() {
    static const Crypto fetched = [] {
        Crypto all{EVP_MD_fetch(nullptr, "SHA256", nullptr),
                   EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr),
                   EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
                   EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr),
                   EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr),
                   EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
        if (!all.sha256 || !all.aes128_gcm || !all.aes256_gcm || !all.aes128_ctr || !all.aes256_ctr || !all.hmac)
            throw std::runtime_error("libcrypto lacks an algorithm that the simulator needs");
        return all;
    }();
    return fetched;
}

std::string sha256(std::string_view bytes) {
    std::string digest(32, '\0');
    if (EVP_Digest(bytes.data(), bytes.size(), bytes_of(digest), nullptr, crypto().sha256, nullptr) != 1)
        throw std::runtime_error("SHA-256 failed");
    return digest;
}

HostKey::HostKey(std::string_view seed) {
    const auto secret = sha256(seed);
    key_.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(secret), secret.size()));
    std::string shown(32, '\0');
    auto size = shown.size();
    if (!key_ || EVP_PKEY_get_raw_public_key(key_.get(), bytes_of(shown), &size) != 1)
        throw std::runtime_error("cannot make a host key");
    prepared_.reset(EVP_MD_CTX_new());
    if (EVP_DigestSignInit(prepared_.get(), nullptr, nullptr, nullptr, key_.get()) != 1)
        throw std::runtime_error("cannot make a host key");
    Writer(blob_).string(key_type).string(shown);
}

std::string HostKey::line() const { return std::string(key_type) + " " + base64(blob_); }

std::string HostKey::sign(std::string_view bytes) const {
    const DigestContext context(EVP_MD_CTX_new());
    std::string signature(64, '\0');
    auto size = signature.size();
    if (EVP_MD_CTX_copy_ex(context.get(), prepared_.get()) != 1 ||
        EVP_DigestSign(context.get(), bytes_of(signature), &size, bytes_of(bytes), bytes.size()) != 1)
        throw std::runtime_error("cannot sign");
    std::string blob;
    Writer(blob).string(key_type).string(signature);
    return blob;
}

bool verify_ed25519(std::string_view key_blob, std::string_view signature_blob, std::string_view bytes) {
    Reader key(key_blob), signature(signature_blob);
    if (key.string() != key_type || signature.string() != key_type) return false;
    const auto shown = key.string(), signed_by = signature.string();
    if (shown.size() != 32 || signed_by.size() != 64) return false;
    thread_local Verifier last;
    if (last.shown != shown) {
        last.shown.clear();
        last.key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(shown), shown.size()));
        last.prepared.reset(EVP_MD_CTX_new());
        if (!last.key || EVP_DigestVerifyInit(last.prepared.get(), nullptr, nullptr, nullptr, last.key.get()) != 1) return false;
        last.shown = shown;
    }
    const DigestContext context(EVP_MD_CTX_new());
    return EVP_MD_CTX_copy_ex(context.get(), last.prepared.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signed_by), signed_by.size(), bytes_of(bytes), bytes.size()) == 1;
}

std::optional<Exchange> exchange_x25519(std::string_view peer) {
    if (peer.size() != 32) return std::nullopt;
    thread_local Ephemeral ours;
    if ((!ours.prepared || ours.uses >= exchanges_a_key) && !ours.renew()) return std::nullopt;
    ++ours.uses;
    const PrivateKey theirs(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, bytes_of(peer), peer.size()));
    Exchange made{ours.shown, std::string(32, '\0')};
    auto size = made.secret.size();
    // The derivation itself finds a point of small order.
    if (!theirs || EVP_PKEY_derive_set_peer_ex(ours.prepared.get(), theirs.get(), 0) != 1 ||
        EVP_PKEY_derive(ours.prepared.get(), bytes_of(made.secret), &size) != 1)
        return std::nullopt;
    return made;
}

std::string base64(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0'); // EVP_EncodeBlock ends with a zero
    text.resize(static_cast<std::size_t>(
        EVP_EncodeBlock(bytes_of(text), bytes_of(bytes), static_cast<int>(bytes.size()))));
    return text;
}

} // namespace loom::fleet
