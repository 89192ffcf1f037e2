#pragma once
#include <string_view>

namespace loom {

/// Whether the pattern is the whole text: `*` stands for any characters, `?` for one, everything else for itself. Takes at most
/// as many steps as the product of both lengths.
bool glob_matches(std::string_view pattern, std::string_view text);

} // namespace loom
