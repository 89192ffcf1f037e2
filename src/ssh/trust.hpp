#pragma once
#include "core/task/remote.hpp"
#include "ssh/known_hosts.hpp"

namespace loom {

/// `known`, `unknown`, `changed`, `revoked`, `authority`.
std::string_view to_string(HostVerdict verdict);

/// The key that a host shows, beside what is listed for it. `own_file` is Loom's known_hosts.
HostKeyReport report_host_key(const HostNames& names, const HostKey& key, const HostRecord& record, const std::string& own_file);

/// Why the key may not be recorded as the wish has it; nothing where it may.
std::optional<Error> trust_fault(const HostKeyReport& report, const TrustWish& wish);

/// The words for a host that known_hosts lists by its certificate authority alone.
std::string only_an_authority(const std::string& node, const std::string& place);

} // namespace loom
