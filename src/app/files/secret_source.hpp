#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <string>
#include <vector>

namespace loom {

/// Reads a secret from `{file: PATH}` (refused when others can read it), `{env: NAME}` or `{command: [PROGRAM, …]}`
/// (its standard output, without a shell). One line end at the end is not part of the secret. Blocks, at most
/// limits::secret_command_time; the words of an error never hold any of the secret.
Result<Secret> read_secret(const boost::json::object& source);

/// The `command` form by itself, with a deadline of one's own. The program's whole process group ends with it.
Result<Secret> read_command_secret(const std::vector<std::string>& words, std::chrono::milliseconds most);

} // namespace loom
