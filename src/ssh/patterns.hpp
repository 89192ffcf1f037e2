#pragma once
#include <string>
#include <string_view>

namespace loom {

/// ASCII letters in lower case.
std::string lower(std::string_view text);

/// ssh_config(5), PATTERNS: patterns with `*` and `?`, separated by commas: one must match, and one with `!` that matches rules the name out.
bool pattern_list_matches(std::string_view list, std::string_view name);

} // namespace loom
