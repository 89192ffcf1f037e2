#pragma once
#include "fuzz/core_targets.hpp"
#include "ssh/agent_messages.hpp"
#include "ssh/private_key.hpp"
#include "ssh/public_key.hpp"

namespace loom::fuzz {

/// A private key's text either says what is wrong with it or gives a key whose public half is sound.
inline void private_key(std::string_view bytes) {
    const std::string text(bytes);
    const auto half = public_half(text);
    const auto key = open_private_key(text, Secret());
    if (!key) return promise(!key.error().message.empty(), "an error without words");
    promise(key->blob() == half, "the public half is another key's");
    promise(serves_login(key_type(key->blob())), "a key that cannot log in");
    promise(plain_blob(key->blob()) == key->blob(), "a public half that is not sound");
}

/// What an ssh-agent says, or a `.pub` file: keys of known types, and no read beyond the bytes.
inline void agent_reply(std::string_view bytes) {
    const auto keys = read_agent_list(bytes);
    if (keys)
        for (const auto& key : *keys) promise(serves_login(key_type(key.blob)), "a key that cannot log in");
    for (const char* algorithm : {"ssh-ed25519", "rsa-sha2-512", "sk-ssh-ed25519@openssh.com"}) {
        const auto signature = read_agent_signature(bytes, algorithm);
        promise(!signature || signature->size() < bytes.size(), "a signature larger than the reply");
    }
    const auto plain = plain_blob(bytes);
    promise(plain.empty() || plain_blob(plain) == plain, "a plain key is not plain");
    promise(!key_words(bytes).empty(), "a key without words");
    const auto blob = public_key_of_line(bytes);
    if (blob) promise(serves_login(key_type(*blob)), "a line with an unknown key");
}

inline constexpr Target login_targets[] = {{"private_key", private_key}, {"agent_reply", agent_reply}};

} // namespace loom::fuzz
