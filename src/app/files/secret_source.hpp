#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"

#include <boost/json/object.hpp>

namespace loom {

/// Reads a secret from `{file: PATH}` (refused when others can read it), `{env: NAME}` or `{command: [PROGRAM, …]}`
/// (its standard output, without a shell). One line end at the end is not part of the secret. Blocks, at most
/// limits::secret_command_time; the words of an error never hold any of the secret.
Result<Secret> read_secret(const boost::json::object& source);

} // namespace loom
