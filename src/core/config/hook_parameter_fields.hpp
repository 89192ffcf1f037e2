#pragma once
#include "core/config/reading.hpp"
#include "core/model/hook.hpp"

namespace loom {

/// A header's name (RFC 9110, 5.1).
bool read_header_name(const YamlNode& node, std::string& into, Faults& faults);

/// `[{header: NAME, is: VALUE}, {payload: /POINTER, matches: PATTERN}]`
void read_filter(const YamlNode& node, std::vector<HookCondition>& filter, Faults& faults);

/// `{NAME: {payload: /POINTER, type: string, pattern: PATTERN, default: VALUE}}`
void read_parameters(const YamlNode& node, std::vector<HookParameter>& parameters, Faults& faults);

} // namespace loom
