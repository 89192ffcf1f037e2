#include "ssh/library.hpp"

#include <libssh2.h>
#include <stdexcept>

namespace loom {

SshLibrary::SshLibrary() {
    if (libssh2_init(0) != 0) throw std::runtime_error("libssh2 cannot be initialised");
}

SshLibrary::~SshLibrary() { libssh2_exit(); }

std::string ssh_library_version() { return libssh2_version(0); }

bool ssh_library_is_current() { return libssh2_version(0x010b00) != nullptr; }

} // namespace loom
