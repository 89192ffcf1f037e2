#include "core/base/quote.hpp"

#include <algorithm>

namespace loom {
namespace {

bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./,:@%+").find(c) != std::string_view::npos;
}

} // namespace

Result<std::string> shell_quote(std::string_view word) {
    if (word.find('\0') != std::string_view::npos) return usage_error("a NUL byte cannot be part of a command");
    if (!word.empty() && std::ranges::all_of(word, plain)) return std::string(word);
    std::string text = "'";
    for (const char c : word) {
        if (c == '\'') text += "'\\''";
        else text += c;
    }
    return text + "'";
}

Result<std::string> shell_join(std::span<const std::string> words) {
    std::string text;
    for (const auto& word : words) {
        auto quoted = shell_quote(word);
        if (!quoted) return quoted.error();
        if (!text.empty()) text += ' ';
        text += *quoted;
    }
    return text;
}

} // namespace loom
