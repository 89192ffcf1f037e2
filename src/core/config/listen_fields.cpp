#include "core/config/listen_fields.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr long connections_most = 1'000'000;

struct ListenDraft {
    ListenAddress address;
    const YamlNode* at = nullptr; ///< of the address
    const std::string* home = nullptr;
};

void read_address(const YamlNode& node, ListenDraft& draft, Faults& faults) {
    std::string text;
    if (!read_text(node, text, faults)) return;
    draft.at = &node;
    if (!parse_listen_address(text, draft.address))
        faults.push_back({node.mark, fmt::format("expected ADDRESS:PORT in numbers, such as 127.0.0.1:8843 or [::1]:8843, not \"{}\"", text)});
}

template <std::string TlsFiles::*Member>
void read_tls_path(const YamlNode& node, ListenDraft& draft, Faults& faults) {
    std::string path;
    if (read_text(node, path, faults)) draft.address.tls.*Member = resolve_path(path, node.mark, *draft.home);
}

constexpr Field<ListenDraft> tls_fields[] = {
    {"certificate", read_tls_path<&TlsFiles::certificate>},
    {"key", read_tls_path<&TlsFiles::key>},
    {"client_ca", read_tls_path<&TlsFiles::client_ca>},
};

void read_tls(const YamlNode& node, ListenDraft& draft, Faults& faults) {
    const auto before = faults.size();
    read_map<ListenDraft>(node, tls_fields, draft, faults);
    if (faults.size() != before) return;
    if (draft.address.tls.certificate.empty()) faults.push_back({node.mark, "missing key \"certificate\""});
    if (draft.address.tls.key.empty()) faults.push_back({node.mark, "missing key \"key\""});
}

constexpr Field<ListenDraft> listen_fields[] = {
    {"address", read_address},
    {"tls", read_tls},
    {"behind_proxy", [](const YamlNode& node, ListenDraft& draft,
                        Faults& faults) { read_flag(node, draft.address.behind_proxy, faults); }},
};

void read_one(const YamlNode& node, const std::string& home, std::vector<ListenAddress>& listen, Faults& faults) {
    ListenDraft draft;
    draft.home = &home;
    const auto before = faults.size();
    if (node.kind == YamlNode::Kind::map) read_map<ListenDraft>(node, listen_fields, draft, faults);
    else read_address(node, draft, faults);
    if (faults.size() != before) return;
    auto& address = draft.address;
    if (!draft.at) {
        faults.push_back({node.mark, "missing key \"address\""});
        return;
    }
    if (!is_loopback(address.host) && address.tls.certificate.empty() && !address.behind_proxy) {
        faults.push_back({draft.at->mark, fmt::format("{} is reached from other hosts: it needs tls: {{certificate: FILE, key: FILE}}, "
                                                      "or behind_proxy: true where a proxy speaks TLS", to_string(address))});
        return;
    }
    for (const auto& other : listen)
        if (other.host == address.host && other.port == address.port) {
            faults.push_back({draft.at->mark, fmt::format("{} is listed twice", to_string(address))});
            return;
        }
    address.place = to_string(draft.at->mark);
    listen.push_back(std::move(address));
}

template <Milliseconds HttpLimits::*Member>
void read_time(const YamlNode& node, HttpSettings& http, Faults& faults) {
    Milliseconds time{};
    if (!read_duration(node, time, faults)) return;
    if (time < std::chrono::seconds(1) || time > std::chrono::hours(1)) faults.push_back({node.mark, "expected a duration from 1s to 1h"});
    else http.limits.*Member = time;
}

template <std::size_t HttpLimits::*Member>
void read_count(const YamlNode& node, HttpSettings& http, Faults& faults) {
    long number = 0;
    if (read_integer(node, 1, connections_most, number, faults)) http.limits.*Member = static_cast<std::size_t>(number);
}

constexpr Field<HttpSettings> http_fields[] = {
    {"allowed_hosts", [](const YamlNode& node, HttpSettings& http,
                         Faults& faults) { read_texts(node, http.allowed_hosts, faults); }},
    {"connections", read_count<&HttpLimits::connections>},
    {"unauthenticated", read_count<&HttpLimits::unauthenticated>},
    {"unauthenticated_per_address", read_count<&HttpLimits::per_address>},
    {"per_token", read_count<&HttpLimits::per_token>},
    {"header_time", read_time<&HttpLimits::header>},
    {"body_time", read_time<&HttpLimits::body>},
    {"idle_time", read_time<&HttpLimits::idle>},
};

} // namespace

bool parse_listen_address(std::string_view text, ListenAddress& into) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    auto host = text.substr(0, colon);
    const auto digits = text.substr(colon + 1);
    unsigned port = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (fault != std::errc() || end != digits.data() + digits.size() || port < 1 || port > 65535) return false;
    const bool six = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
    if (six) host = host.substr(1, host.size() - 2);
    in6_addr number{};
    const std::string name(host);
    if (::inet_pton(six ? AF_INET6 : AF_INET, name.c_str(), &number) != 1) return false;
    into.host = name;
    into.port = static_cast<std::uint16_t>(port);
    return true;
}

void read_listen(const YamlNode& node, const std::string& home, std::vector<ListenAddress>& listen, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) return;
    if (node.kind != YamlNode::Kind::sequence) return read_one(node, home, listen, faults);
    for (const auto* item : node.items) read_one(*item, home, listen, faults);
}

void read_http(const YamlNode& node, HttpSettings& http, Faults& faults) { read_map<HttpSettings>(node, http_fields, http, faults); }

} // namespace loom
