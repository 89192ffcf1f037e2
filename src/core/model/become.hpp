#pragma once
#include "core/base/secret.hpp"

#include <string>

namespace loom {

/// Another user that a command runs as on its node, by sudo.
struct Become {
    std::string user; ///< empty: root
    Secret password;  ///< what sudo is answered with; empty: it must ask for none

    friend bool operator==(const Become&, const Become&) = default;
};

/// What `first` says, and where it is silent, `second`.
inline Become joined(Become first, const Become& second) {
    if (first.user.empty()) first.user = second.user;
    if (first.password.empty()) first.password = second.password;
    return first;
}

} // namespace loom
