#include "ssh/agent_messages.hpp"

#include "ssh/public_key.hpp"
#include "ssh/wire.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

enum Message : std::uint8_t { failure = 5, request_identities = 11, identities_answer = 12, sign_request = 13, sign_response = 14 };
constexpr std::uint32_t flag_sha256 = 2, flag_sha512 = 4;

Error nonsense() { return {Errc::unavailable, "ssh-agent answered with something that cannot be understood"}; }

} // namespace

std::string agent_list_request() { return std::string(1, static_cast<char>(request_identities)); }

Result<std::vector<AgentKey>> read_agent_list(std::string_view reply) {
    WireReader reader(reply);
    const auto type = reader.byte();
    if (reader.ok() && type == failure) return Error{Errc::denied, "ssh-agent refused to list its keys"};
    if (type != identities_answer) return nonsense();
    std::vector<AgentKey> keys;
    for (auto left = reader.number(); left > 0 && reader.ok(); --left) {
        AgentKey key;
        key.blob = reader.text();
        key.comment = reader.text();
        if (reader.ok() && serves_login(key_type(key.blob))) keys.push_back(std::move(key));
    }
    if (!reader.ok()) return nonsense();
    return keys;
}

std::string agent_sign_request(std::string_view blob, std::string_view bytes, std::string_view algorithm) {
    std::string request(1, static_cast<char>(sign_request));
    put_text(request, blob);
    put_text(request, bytes);
    put_number(request, algorithm == "rsa-sha2-512" ? flag_sha512 : algorithm == "rsa-sha2-256" ? flag_sha256 : 0);
    return request;
}

Result<std::string> read_agent_signature(std::string_view reply, std::string_view algorithm) {
    WireReader reader(reply);
    const auto type = reader.byte();
    if (reader.ok() && type == failure) return Error{Errc::denied, "ssh-agent refused to sign"};
    if (type != sign_response) return nonsense();
    WireReader signature(reader.text());
    const auto made_by = signature.text();
    if (!reader.ok() || !signature.ok()) return nonsense();
    if (made_by != algorithm)
        return Error{Errc::unavailable, fmt::format("ssh-agent signed by {} instead of {}", std::string(made_by.substr(0, 60)),
                                                    std::string(algorithm))};
    // A security key adds its flags and counter, and libssh2 wants all of it.
    if (algorithm.starts_with("sk-")) return std::string(signature.rest());
    const auto proper = signature.text();
    if (!signature.ok()) return nonsense();
    return std::string(proper);
}

} // namespace loom
