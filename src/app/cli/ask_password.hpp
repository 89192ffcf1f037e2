#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"

#include <string>

namespace loom {

/// Asks at the terminal that controls the process, without echo; standard input stays free for other things. Blocks until
/// a line came. An Errc::usage error where there is no terminal, nothing was typed, or Ctrl-C or Ctrl-D was.
Result<Secret> ask_password(const std::string& prompt);

} // namespace loom
