#include "ssh/methods.hpp"

#include <algorithm>
#include <boost/algorithm/string/join.hpp>

namespace loom {

namespace {

constexpr auto key_exchanges = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
                               "ecdh-sha2-nistp521,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
                               "diffie-hellman-group14-sha256";
// chacha20 last: GHSA-x4g5 (a short packet) is not fixed in 1.11.1. One list for both directions, as a GCM cipher one
// way and chacha20 the other crashes (https://github.com/libssh2/libssh2/issues/1580).
constexpr auto ciphers = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes256-ctr,aes128-ctr,"
                         "chacha20-poly1305@openssh.com";
constexpr auto macs = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";

} // namespace

std::string host_key_methods(const std::vector<std::string>& key_types) {
    std::vector<std::string> order;
    const auto add = [&](std::string method) {
        if (std::ranges::find(order, method) == order.end()) order.push_back(std::move(method));
    };
    static const std::vector<std::string> sound = {"ssh-ed25519",         "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                                   "ecdsa-sha2-nistp521", "rsa-sha2-512",        "rsa-sha2-256"};
    for (const auto& type : key_types) {
        if (type == "ssh-rsa") { // the type of the key; its signatures may be made with SHA-2 (RFC 8332)
            add("rsa-sha2-512");
            add("rsa-sha2-256");
        } else if (std::ranges::find(sound, type) != sound.end()) {
            add(type);
        }
    }
    for (const auto& method : sound) add(method);
    return boost::algorithm::join(order, ",");
}

bool pin_methods(LIBSSH2_SESSION* session, const std::vector<std::string>& key_types) {
    const auto set = [session](int method, const std::string& list) {
        return libssh2_session_method_pref(session, method, list.c_str()) == 0; // names it does not know are skipped
    };
    return set(LIBSSH2_METHOD_KEX, key_exchanges) && set(LIBSSH2_METHOD_HOSTKEY, host_key_methods(key_types)) &&
           set(LIBSSH2_METHOD_CRYPT_CS, ciphers) && set(LIBSSH2_METHOD_CRYPT_SC, ciphers) &&
           set(LIBSSH2_METHOD_MAC_CS, macs) && set(LIBSSH2_METHOD_MAC_SC, macs);
}

} // namespace loom
