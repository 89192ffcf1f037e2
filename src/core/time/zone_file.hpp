#pragma once
#include "core/time/time_zone.hpp"

namespace loom {

/// The transitions in a TZif file's bytes (RFC 8536, version 2 and later), and those of its footer rule up to
/// `last_year`. Only changes of the offset are kept; the first entry holds since ever. Errors say what is wrong.
Result<std::vector<Zone::Transition>> read_zone_file(std::string_view bytes, int last_year);

} // namespace loom
