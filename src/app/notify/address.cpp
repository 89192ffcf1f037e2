#include "app/notify/address.hpp"

#include <array>
#include <cstring>

namespace loom {
namespace {

namespace ip = boost::asio::ip;

struct Net4 {
    std::uint32_t net;
    int bits;
};

constexpr std::uint32_t net(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }

constexpr std::array special4{
    Net4{net(0, 0, 0, 0), 8},       Net4{net(10, 0, 0, 0), 8},      Net4{net(100, 64, 0, 0), 10},  Net4{net(127, 0, 0, 0), 8},
    Net4{net(169, 254, 0, 0), 16},  Net4{net(172, 16, 0, 0), 12},   Net4{net(192, 0, 0, 0), 24},   Net4{net(192, 0, 2, 0), 24},
    Net4{net(192, 88, 99, 0), 24},  Net4{net(192, 168, 0, 0), 16},  Net4{net(198, 18, 0, 0), 15},  Net4{net(198, 51, 100, 0), 24},
    Net4{net(203, 0, 113, 0), 24},  Net4{net(224, 0, 0, 0), 4},     Net4{net(240, 0, 0, 0), 4},
};

bool is_public4(std::uint32_t address) {
    for (const auto& special : special4)
        if ((address >> (32 - special.bits)) == (special.net >> (32 - special.bits))) return false;
    return true;
}

std::uint32_t ipv4_at(const ip::address_v6::bytes_type& bytes, std::size_t place) {
    return net(bytes[place], bytes[place + 1], bytes[place + 2], bytes[place + 3]);
}

template <std::size_t N>
bool begins(const ip::address_v6::bytes_type& bytes, const std::array<unsigned char, N>& prefix) {
    return std::memcmp(bytes.data(), prefix.data(), N) == 0;
}

} // namespace

bool is_public(const ip::address& address) {
    if (address.is_v4()) return is_public4(address.to_v4().to_uint());
    const auto bytes = address.to_v6().to_bytes();
    constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, nat64{0, 0x64, 0xff, 0x9b};
    constexpr std::array<unsigned char, 2> six_to_four{0x20, 0x02};
    constexpr std::array<unsigned char, 4> teredo{0x20, 0x01, 0, 0}, documentation{0x20, 0x01, 0x0d, 0xb8};
    if (begins(bytes, mapped) || begins(bytes, nat64)) return is_public4(ipv4_at(bytes, 12));
    if (begins(bytes, six_to_four)) return is_public4(ipv4_at(bytes, 2));
    if (begins(bytes, teredo) || begins(bytes, documentation)) return false;
    return (bytes[0] & 0xe0) == 0x20; // 2000::/3 is all that is given out
}

} // namespace loom
