#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace loom {

/// Reads SSH's data types (RFC 4251, section 5) from bytes that somebody else owns. After the first fault every read
/// gives nothing, so `ok` is asked once, at the end.
class WireReader {
public:
    explicit WireReader(std::string_view bytes) : rest_(bytes) {}

    bool ok() const { return ok_; }
    std::string_view rest() const { return rest_; }
    std::uint8_t byte() { return static_cast<std::uint8_t>(big_endian(1)); }
    std::uint32_t number() { return big_endian(4); }
    std::string_view text() { return bytes(number()); }
    std::string_view bytes(std::size_t size) {
        if (size > rest_.size()) ok_ = false;
        if (!ok_) return {};
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

private:
    std::uint32_t big_endian(std::size_t size) {
        std::uint32_t value = 0;
        for (const char letter : bytes(size)) value = value << 8 | static_cast<unsigned char>(letter);
        return value;
    }

    std::string_view rest_;
    bool ok_ = true;
};

inline void put_number(std::string& bytes, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

inline void put_text(std::string& bytes, std::string_view text) {
    put_number(bytes, static_cast<std::uint32_t>(text.size()));
    bytes += text;
}

/// A number that is not negative, from its big-endian bytes.
inline void put_mpint(std::string& bytes, std::string_view magnitude) {
    while (!magnitude.empty() && magnitude.front() == '\0') magnitude.remove_prefix(1);
    const bool high = !magnitude.empty() && (magnitude.front() & 0x80) != 0;
    put_number(bytes, static_cast<std::uint32_t>(magnitude.size() + (high ? 1 : 0)));
    if (high) bytes += '\0';
    bytes += magnitude;
}

} // namespace loom
