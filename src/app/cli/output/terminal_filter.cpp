#include "app/cli/output/terminal_filter.hpp"

#include "core/base/utf8.hpp"

#include <charconv>
#include <spdlog/fmt/fmt.h>
#include <utility>

namespace loom {
namespace {

constexpr char escape = '\x1b';

/// Whether SGR's parameters only colour: no concealed text (8), which would hide what a node wrote, and no blinking.
bool harmless_sgr(std::string_view parameters) {
    if (parameters.find_first_not_of("0123456789;:") != std::string_view::npos || parameters.size() > 64) return false;
    int skip = 0; // numbers that belong to an extended colour: 38;5;n and 38;2;r;g;b
    bool extended = false;
    while (!parameters.empty()) {
        const auto end = parameters.find_first_of(";:");
        int number = 0;
        const auto text = parameters.substr(0, end);
        std::from_chars(text.data(), text.data() + text.size(), number);
        parameters.remove_prefix(end == std::string_view::npos ? parameters.size() : end + 1);
        if (std::exchange(extended, false)) skip = number == 5 ? 1 : number == 2 ? 3 : 0;
        else if (skip > 0) --skip;
        else if (number == 38 || number == 48) extended = true;
        else if (number == 5 || number == 6 || number == 8) return false;
    }
    return true;
}

/// A control string (OSC, DCS, APC, PM, SOS) runs to ST or BEL; one without an end takes the line with it, not the rest.
std::size_t control_string(std::string_view text) {
    for (std::size_t i = 2; i < text.size(); ++i) {
        if (text[i] == '\a') return i + 1;
        if (text[i] == '\n') return i;
        if (text[i] == escape) return i + 1 < text.size() && text[i + 1] == '\\' ? i + 2 : i;
    }
    return text.size();
}

/// The length of the control sequence at the front (`ESC [` parameters, intermediates, a final byte).
std::size_t control_sequence(std::string_view text) {
    std::size_t i = 2;
    while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x3f) ++i;
    return i < text.size() && text[i] >= 0x40 && text[i] <= 0x7e ? i + 1 : i;
}

/// The length of the escape sequence at the front; `text` begins with ESC.
std::size_t escape_sequence(std::string_view text) {
    if (text.size() < 2) return 1;
    if (text[1] == '[') return control_sequence(text);
    if (std::string_view("]PX^_").find(text[1]) != std::string_view::npos) return control_string(text);
    std::size_t i = 1;
    while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x2f) ++i;
    return i < text.size() && text[i] >= 0x30 && text[i] <= 0x7e ? i + 1 : i;
}

/// What could change how the characters around it are read.
bool deceptive(char32_t code) {
    return (code >= 0x80 && code <= 0x9f) || code == 0x61c || (code >= 0x200b && code <= 0x200f && code != 0x200d) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xe0000 && code <= 0xe007f);
}

void append_code(std::string& shown, std::string_view bytes, const Utf8& next) {
    if (!next.valid || next.code < 0x20 || next.code == 0x7f)
        fmt::format_to(std::back_inserter(shown), "\\x{:02x}", static_cast<unsigned>(next.code));
    else if (deceptive(next.code))
        fmt::format_to(std::back_inserter(shown), "\\u{:04x}", static_cast<unsigned>(next.code));
    else shown.append(bytes.substr(0, next.bytes));
}

} // namespace

std::string for_terminal(std::string_view bytes, bool colour) {
    std::string shown;
    shown.reserve(bytes.size());
    bool coloured = false;
    while (!bytes.empty()) {
        if (bytes.front() == escape) {
            const auto length = escape_sequence(bytes);
            const auto sequence = bytes.substr(0, length);
            if (colour && length > 2 && sequence[1] == '[' && sequence.back() == 'm' &&
                harmless_sgr(sequence.substr(2, length - 3))) {
                shown += sequence;
                coloured = true;
            }
            bytes.remove_prefix(length);
            continue;
        }
        const auto next = decode_utf8(bytes);
        // A lone CR, as progress meters write, would overwrite its line: it begins a new one.
        if (next.code == '\r') shown += bytes.size() > 1 && bytes[1] == '\n' ? "" : "\n";
        else if (next.code == '\n' || next.code == '\t') shown += bytes.front();
        else append_code(shown, bytes, next);
        bytes.remove_prefix(next.bytes);
    }
    if (coloured) shown += "\x1b[0m";
    return shown;
}

std::string for_line(std::string_view bytes) {
    auto line = for_terminal(bytes, false);
    while (line.ends_with('\n')) line.pop_back();
    for (auto& c : line)
        if (c == '\n' || c == '\t') c = ' ';
    return line;
}

} // namespace loom
