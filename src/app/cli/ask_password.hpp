#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"

#include <string>

namespace loom {

/// Asks at the terminal that controls the process, without echo; standard input stays free for other things. Blocks until
/// a line came. Errc::usage where there is no terminal or nothing was typed, Errc::interrupted after Ctrl-C.
Result<Secret> ask_password(const std::string& prompt);

} // namespace loom
