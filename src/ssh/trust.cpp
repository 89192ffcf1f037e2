#include "ssh/trust.hpp"

#include "ssh/public_key.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {

std::string_view to_string(HostVerdict verdict) {
    switch (verdict) {
    case HostVerdict::known: return "known";
    case HostVerdict::unknown: return "unknown";
    case HostVerdict::changed: return "changed";
    case HostVerdict::revoked: return "revoked";
    case HostVerdict::authority: return "authority";
    }
    return "";
}

HostKeyReport report_host_key(const HostNames& names, const HostKey& key, const HostRecord& record, const std::string& own_file) {
    HostKeyReport report;
    report.listed_as = listed_name(names);
    report.type = key.type;
    report.fingerprint = fingerprint(key.blob);
    const auto check = judge(record, key);
    report.verdict = to_string(check.verdict);
    report.place = check.place;
    for (const auto& entry : record.entries) {
        const auto* marker = entry.revoked ? "@revoked " : entry.authority ? "@cert-authority " : "";
        report.listed.push_back({marker + entry.key.type, fingerprint(entry.key.blob), entry.place});
        const bool contradicts = !entry.revoked && !entry.authority && !entry.portless && !(entry.key == key);
        if (check.verdict == HostVerdict::changed && contradicts && !entry.place.starts_with(own_file + ":"))
            report.in_the_way.push_back(entry.place);
    }
    return report;
}

std::optional<Error> trust_fault(const HostKeyReport& report, const TrustWish& wish) {
    if (wish.fingerprint != report.fingerprint)
        return Error{Errc::conflict, fmt::format("{} shows another key now: {} {}, not {}", report.listed_as, report.type,
                                                 report.fingerprint, wish.fingerprint)};
    if (report.verdict == "revoked")
        return Error{Errc::conflict, fmt::format("the key of {} is revoked ({}); it is not recorded", report.listed_as, report.place)};
    if (report.verdict != "changed") return std::nullopt;
    if (!report.in_the_way.empty())
        return Error{Errc::conflict, fmt::format("another key of {} is listed at {}; Loom changes only its own file, so take that "
                                                 "line away yourself", report.listed_as, fmt::join(report.in_the_way, ", "))};
    if (!wish.replace)
        return Error{Errc::conflict, fmt::format("another key of {} is listed at {}; --replace puts the new one in its place",
                                                 report.listed_as, report.place)};
    return std::nullopt;
}

std::string only_an_authority(const std::string& node, const std::string& place) {
    return fmt::format("host key of {} is not listed, only a certificate authority for it ({}), and Loom cannot check host "
                       "certificates; list the key itself, or run `loom nodes trust {}`; nothing was sent", node, place, node);
}

} // namespace loom
