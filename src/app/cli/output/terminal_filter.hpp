#pragma once
#include <string>
#include <string_view>

namespace loom {

/// Bytes from a node, a name or a configuration made harmless for a terminal: lines and tabs stay, and with `colour`
/// the SGR sequences that set colours and weight (ECMA-48, 8.3.117), with a reset at the end. Every other escape
/// sequence (cursor moves, OSC, DCS, …) is dropped whole; other control characters, C1, bidirectional controls and
/// invisible separators are spelled (`\x07`, `\u202e`), and so is each byte that is not UTF-8. Pure.
std::string for_terminal(std::string_view bytes, bool colour);

/// The same for one line without colours: in tables and messages.
std::string for_line(std::string_view bytes);

} // namespace loom
