#include "app/worker/text.hpp"

#include "core/base/utf8.hpp"

namespace loom {
namespace {

/// How many bytes at the end are the beginning of a character whose rest is missing.
std::size_t cut_bytes(std::string_view text) {
    for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xc0) == 0x80) continue;
        const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return length > back ? back : 0;
    }
    return 0;
}

} // namespace

std::string replaced_utf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const auto next = decode_utf8(bytes);
        if (next.valid) text.append(bytes.substr(0, next.bytes));
        else text += "\xef\xbf\xbd";
        bytes.remove_prefix(next.bytes);
    }
    return text;
}

std::string Utf8Stream::take(std::string_view piece) {
    held_ += piece;
    const auto whole = held_.size() - cut_bytes(held_);
    auto text = replaced_utf8(std::string_view(held_).substr(0, whole));
    held_.erase(0, whole);
    return text;
}

} // namespace loom
