#pragma once
#include "core/config/reading.hpp"
#include "core/model/listen.hpp"

namespace loom {

/// loom.yaml's `listen`: an address, or a list of addresses and maps. An address that others than this host reach is a
/// fault without `tls` or `behind_proxy`.
void read_listen(const YamlNode& node, const std::string& home, std::vector<ListenAddress>& listen, Faults& faults);

/// loom.yaml's `http`: whom the daemon answers, and how much of it a client may take.
void read_http(const YamlNode& node, HttpSettings& http, Faults& faults);

/// `127.0.0.1:8843`, `[::1]:8843`: numbers, since a name could come to mean another address. Pure.
bool parse_listen_address(std::string_view text, ListenAddress& into);

} // namespace loom
