#pragma once
#include "core/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// A key or certificate that an ssh-agent holds.
struct AgentKey {
    std::string blob;
    std::string comment; ///< often the file it came from
};

// The messages of draft-miller-ssh-agent that Loom needs, without their length in front. All pure.

std::string agent_list_request();
/// Which keys an agent holds; those of types that cannot log in are left out.
Result<std::vector<AgentKey>> read_agent_list(std::string_view reply);

/// `algorithm` is the one the signature is to be made by: `rsa-sha2-512`.
std::string agent_sign_request(std::string_view blob, std::string_view bytes, std::string_view algorithm);
/// The signature proper, as libssh2 wants it; refused where it was made by another algorithm.
Result<std::string> read_agent_signature(std::string_view reply, std::string_view algorithm);

} // namespace loom
