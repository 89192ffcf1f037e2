#pragma once
#include <boost/asio/ip/address.hpp>

namespace loom {

/// Whether the address is one of the wide net's (IANA's special-purpose registries): not this host's own, not of a private, link-local, shared,
/// documentation, benchmarking, multicast or reserved net, and none of those behind a prefix that carries IPv4 in IPv6. Pure.
bool is_public(const boost::asio::ip::address& address);

} // namespace loom
