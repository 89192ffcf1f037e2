#pragma once
#include <cstdint>
#include <string>
#include <string_view>

/// A simulator of many SSH servers in one process: for benchmarks, and for tests of what servers do wrong.
namespace loom::fleet {

/// Numbers of messages: RFC 4250, section 4.1.2; RFC 8308 (ext_info).
namespace msg {
inline constexpr std::uint8_t disconnect = 1, ignore = 2, unimplemented = 3, debug = 4, service_request = 5,
                              service_accept = 6, ext_info = 7, kexinit = 20, newkeys = 21, kex_ecdh_init = 30,
                              kex_ecdh_reply = 31, userauth_request = 50, userauth_failure = 51, userauth_success = 52,
                              userauth_pk_ok = 60, global_request = 80, request_failure = 82, channel_open = 90,
                              channel_open_confirmation = 91, channel_open_failure = 92, channel_window_adjust = 93,
                              channel_data = 94, channel_extended_data = 95, channel_eof = 96, channel_close = 97,
                              channel_request = 98, channel_success = 99, channel_failure = 100;
}

/// Takes a message apart (RFC 4251, section 5). After the first thing that is not there everything is empty, and `ok`
/// is false; so one look at the end is enough.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    std::uint8_t byte() {
        const auto taken = take(1);
        return taken.empty() ? 0 : static_cast<std::uint8_t>(taken[0]);
    }
    bool boolean() { return byte() != 0; }
    std::uint32_t number() {
        std::uint32_t value = 0;
        for (const char letter : take(4)) value = value << 8 | static_cast<std::uint8_t>(letter);
        return value;
    }
    std::string_view string() { return take(number()); }
    std::string_view take(std::size_t size) {
        if (!ok_ || size > rest_.size()) {
            ok_ = false;
            return {};
        }
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    bool ok() const { return ok_; }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
    bool ok_ = true;
};

/// Appends to a text what a message is made of.
class Writer {
public:
    explicit Writer(std::string& into) : into_(into) {}

    Writer& byte(std::uint8_t value) {
        into_ += static_cast<char>(value);
        return *this;
    }
    Writer& boolean(bool value) { return byte(value ? 1 : 0); }
    Writer& number(std::uint32_t value) {
        const char bytes[] = {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
                              static_cast<char>(value)};
        into_.append(bytes, 4);
        return *this;
    }
    Writer& string(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        into_ += value;
        return *this;
    }
    /// A whole number that is not negative, its bytes in network order.
    Writer& mpint(std::string_view value) {
        while (!value.empty() && value[0] == 0) value.remove_prefix(1);
        const bool high = !value.empty() && (value[0] & 0x80);
        number(static_cast<std::uint32_t>(value.size() + high));
        if (high) into_ += '\0';
        into_ += value;
        return *this;
    }
    Writer& raw(std::string_view value) {
        into_ += value;
        return *this;
    }

private:
    std::string& into_;
};

} // namespace loom::fleet
