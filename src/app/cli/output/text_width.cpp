#include "app/cli/output/text_width.hpp"

#include "core/base/utf8.hpp"

#include <algorithm>
#include <array>

namespace loom {
namespace {

struct Range {
    char32_t first, last;
};

// The blocks that matter in names and output (Unicode 15, EastAsianWidth W and F; general categories Mn and Me).
constexpr std::array wide{
    Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0x33ff},   Range{0x3400, 0x4dbf},
    Range{0x4e00, 0x9fff},   Range{0xa000, 0xa4cf},   Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},
    Range{0xfe30, 0xfe6f},   Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f},
    Range{0x1f680, 0x1f6ff}, Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd},
};
constexpr std::array none{
    Range{0x0300, 0x036f}, Range{0x0483, 0x0489}, Range{0x0591, 0x05bd}, Range{0x0610, 0x061a}, Range{0x064b, 0x065f},
    Range{0x0e34, 0x0e3a}, Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff}, Range{0x200b, 0x200d}, Range{0x20d0, 0x20ff},
    Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f},
};

template <std::size_t N>
bool in(const std::array<Range, N>& ranges, char32_t code) {
    const auto range = std::lower_bound(ranges.begin(), ranges.end(), code,
                                        [](const Range& r, char32_t c) { return r.last < c; });
    return range != ranges.end() && range->first <= code;
}

std::size_t columns(char32_t code) {
    if (code < 0x300) return 1;
    return in(none, code) ? 0 : in(wide, code) ? 2 : 1;
}

} // namespace

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const auto next = decode_utf8(text);
        width += columns(next.code);
        text.remove_prefix(next.bytes);
    }
    return width;
}

std::string ellipsised(std::string_view text, std::size_t width) {
    if (width == 0) return {};
    std::size_t used = 0, cut = 0, at = 0;
    while (at < text.size()) {
        const auto next = decode_utf8(text.substr(at));
        used += columns(next.code);
        if (used > width) return std::string(text.substr(0, cut)) + "…";
        at += next.bytes;
        if (used < width) cut = at;
    }
    return std::string(text);
}

std::string wrapped(std::string_view text, std::size_t width) {
    if (width == 0) return std::string(text);
    const std::string margin(std::min(text.find_first_not_of(' '), text.size()), ' ');
    text.remove_prefix(margin.size());
    auto lines = margin;
    std::size_t used = 0; // behind the margin
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        const auto columns_of_word = display_width(word);
        if (used > 0) {
            const bool fits = margin.size() + used + 1 + columns_of_word <= width;
            lines += fits ? " " : "\n" + margin;
            used = fits ? used + 1 : 0;
        }
        lines += word;
        used += columns_of_word;
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return lines;
}

} // namespace loom
