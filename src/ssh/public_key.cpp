#include "ssh/public_key.hpp"

#include "core/base/base64.hpp"
#include "ssh/wire.hpp"

#include <algorithm>
#include <openssl/sha.h>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

constexpr std::string_view certificate_mark = "-cert-v01@openssh.com";

struct Kind {
    std::string_view type, word;
    int fields; ///< of the public key, after its type
};
constexpr Kind kinds[] = {
    {"ssh-ed25519", "ED25519", 1},
    {"ecdsa-sha2-nistp256", "ECDSA", 2},
    {"ecdsa-sha2-nistp384", "ECDSA", 2},
    {"ecdsa-sha2-nistp521", "ECDSA", 2},
    {"ssh-rsa", "RSA", 2},
    {"sk-ssh-ed25519@openssh.com", "ED25519-SK", 2},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK", 3},
};

const Kind* kind_of(std::string_view type) {
    const auto* const found = std::ranges::find(kinds, type, &Kind::type);
    return found == std::end(kinds) ? nullptr : found;
}

} // namespace

std::string_view key_type(std::string_view blob) {
    WireReader reader(blob);
    return reader.text();
}

bool is_certificate(std::string_view type) { return type.ends_with(certificate_mark); }

std::string plain_type(std::string_view type) {
    if (!is_certificate(type)) return std::string(type);
    std::string plain(type.substr(0, type.size() - certificate_mark.size()));
    return plain.starts_with("sk-") ? plain + "@openssh.com" : plain;
}

std::string plain_blob(std::string_view blob) {
    WireReader reader(blob);
    const auto type = reader.text();
    const auto plain = plain_type(type);
    const auto* const kind = kind_of(plain);
    if (!kind) return {};
    if (is_certificate(type)) reader.text(); // the nonce
    std::string bytes;
    put_text(bytes, plain);
    for (int i = 0; i < kind->fields; ++i) put_text(bytes, reader.text());
    return reader.ok() ? bytes : std::string();
}

std::string fingerprint(std::string_view blob) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(blob.data()), blob.size(), digest);
    auto text = base64_encode(std::string_view(reinterpret_cast<const char*>(digest), sizeof digest));
    while (text.ends_with('=')) text.pop_back();
    return "SHA256:" + text;
}

std::string key_words(std::string_view blob) {
    const auto type = key_type(blob);
    const auto* const kind = kind_of(plain_type(type));
    const auto plain = plain_blob(blob);
    const auto hashed = plain.empty() ? std::string(blob) : plain;
    return fmt::format("{}{} {}", kind ? kind->word : "unknown", is_certificate(type) ? "-CERT" : "", fingerprint(hashed));
}

bool serves_login(std::string_view type) { return kind_of(plain_type(type)) != nullptr; }

std::optional<std::string> public_key_of_line(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto next_word = [&] {
        text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
        const auto word = text.substr(0, text.find_first_of(blanks));
        text.remove_prefix(word.size());
        return word;
    };
    const auto type = next_word();
    auto blob = base64_decode(next_word());
    if (!blob || type.empty() || key_type(*blob) != type || plain_blob(*blob).empty()) return std::nullopt;
    return blob;
}

} // namespace loom
