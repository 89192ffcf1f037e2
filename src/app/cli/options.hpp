#pragma once
#include <CLI/CLI.hpp>

namespace loom {

/// For an option whose value is a whole number within bounds; the library's own words name neither the value nor a number.
CLI::Validator number_between(unsigned least, unsigned most);

} // namespace loom
