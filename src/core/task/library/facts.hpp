#pragma once
#include <string_view>

namespace loom {

/// The shell functions and the body of loom.system.facts.
extern const std::string_view facts_helpers, facts_script;

} // namespace loom
