#pragma once
#include <string>
#include <string_view>

namespace loom {

/// The text with U+FFFD in the place of each byte that is not UTF-8: what a worker's language takes as text.
std::string replaced_utf8(std::string_view bytes);

/// The same for a stream that comes in pieces: a character that is cut waits for its end.
class Utf8Stream {
public:
    std::string take(std::string_view piece);

private:
    std::string held_;
};

} // namespace loom
