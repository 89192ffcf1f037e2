#include "core/base/utf8.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

Utf8 decode_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    const Utf8 bad{first, 1, false};
    if (first < 0x80) return {first, 1, true};
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return bad;
    char32_t code = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return bad;
        code = code << 6 | (byte(i) & 0x3fu);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (overlong || surrogate || code > 0x10ffff) return bad;
    return {code, length, true};
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const auto next = decode_utf8(text);
        if (next.valid) valid.append(text.substr(0, next.bytes));
        else fmt::format_to(std::back_inserter(valid), "\\x{:02x}", static_cast<unsigned>(next.code));
        text.remove_prefix(next.bytes);
    }
    return valid;
}

} // namespace loom
