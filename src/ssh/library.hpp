#pragma once
#include <string>

namespace loom {

/// Initialises libssh2 for the whole process. One is made in `main` before any thread and outlives every session.
class SshLibrary {
public:
    SshLibrary();
    SshLibrary(const SshLibrary&) = delete;
    SshLibrary& operator=(const SshLibrary&) = delete;
    ~SshLibrary();
};

/// The version of libssh2 in use: `1.11.1`.
std::string ssh_library_version();

/// False for a libssh2 before 1.11, which cannot reach servers with only RSA host keys or only AEAD ciphers and
/// cannot log in with RSA keys; `doctor` says so.
bool ssh_library_is_current();

} // namespace loom
