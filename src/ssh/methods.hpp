#pragma once
#include <libssh2.h>
#include <string>
#include <vector>

namespace loom {

/// Offers only sound algorithms; libssh2's own lists still hold 3des, arcfour and SHA-1. `key_types` come first among
/// the host key types, so that the server shows a key that can be compared.
bool pin_methods(LIBSSH2_SESSION* session, const std::vector<std::string>& key_types);

/// The host key types in the order they are asked for.
std::string host_key_methods(const std::vector<std::string>& key_types);

} // namespace loom
