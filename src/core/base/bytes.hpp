#pragma once
#include "core/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace loom {

/// Reads `10GiB`, `500 MB`, `64k` or a plain number of bytes: `KiB` and `K` are 1024, `KB` is 1000; at most an EiB.
Result<std::uint64_t> parse_bytes(std::string_view text);

/// `512 B`, `1.2 KiB`, `3.0 GiB`
std::string size_words(std::uint64_t bytes);

} // namespace loom
