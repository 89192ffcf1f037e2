#pragma once
#include "core/base/error.hpp"

#include <span>
#include <string>
#include <string_view>

namespace loom {

/// One word of POSIX shell text: bare when every byte is plainly safe, else in single quotes (POSIX 2.2.2).
/// A NUL cannot be carried by a shell word and is an Errc::usage error.
Result<std::string> shell_quote(std::string_view word);

/// The words quoted and joined by spaces: the command text of an argv.
Result<std::string> shell_join(std::span<const std::string> words);

} // namespace loom
