#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace loom {

/// One character at the front of some bytes. `valid` is false for what is not UTF-8 (RFC 3629: overlong forms,
/// surrogates and what lies past U+10FFFF are not); then `bytes` is 1 and `code` that byte.
struct Utf8 {
    char32_t code = 0;
    std::size_t bytes = 0;
    bool valid = false;
};

/// `text` is not empty.
Utf8 decode_utf8(std::string_view text);

/// The text with each byte that is not UTF-8 spelled `\xNN`: JSON can carry nothing else.
std::string valid_utf8(std::string_view text);

} // namespace loom
