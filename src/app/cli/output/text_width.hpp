#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace loom {

/// Columns that a line of UTF-8 without control characters takes on a terminal: wide East Asian characters and emoji
/// take two, combining marks none.
std::size_t display_width(std::string_view text);

/// The text cut to `width` columns, its end replaced by `…` where something was cut.
std::string ellipsised(std::string_view text, std::size_t width);

/// The text with its lines broken at spaces so that none is wider, but for a longer word; a width of 0 breaks none.
/// Each is indented as the first.
std::string wrapped(std::string_view text, std::size_t width);

} // namespace loom
