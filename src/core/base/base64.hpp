#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace loom {

/// Decodes standard base64 (RFC 4648, section 4) with its padding; nothing for any other text.
std::optional<std::string> base64_decode(std::string_view text);

std::string base64_encode(std::string_view bytes);

} // namespace loom
