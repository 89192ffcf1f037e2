#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// Which names in `Host` a listener answers to: a page that makes a browser resolve its own name to this address (DNS
/// rebinding) still says its own name.
struct HostRule {
    bool any = false; ///< the unix socket, and TLS, where the certificate says who this is
    std::vector<std::string> names; ///< lower case, without ports
};

/// The host of `Host`, lower case and without port and brackets. Pure.
std::string host_name(std::string_view field);
/// Pure.
bool answers_to(const HostRule& rule, std::string_view host_field);
/// Whether a page of this origin (RFC 6454) may call: only one that this same host and port gave. Pure.
bool same_origin(std::string_view origin, std::string_view host_field);

} // namespace loom
