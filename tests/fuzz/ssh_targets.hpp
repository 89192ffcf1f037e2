#pragma once
#include "fuzz/core_targets.hpp"
#include "ssh/known_hosts.hpp"

namespace loom::fuzz {

/// The first line is a host's name, the rest a known_hosts file: a listed key is never unknown, only a revoked one is
/// revoked, and what Loom would write is read back as the same.
inline void known_hosts(std::string_view bytes) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    HostNames names;
    names.address = bytes.substr(0, end);
    names.name = "alias";
    names.port = bytes.size() % 2 == 0 ? 22 : 2222;
    KnownHosts known;
    known.add("file", bytes.substr(end));
    const auto record = known.find(names);
    for (const auto& entry : record.entries) {
        const auto verdict = judge(record, entry.key).verdict;
        promise(verdict == HostVerdict::known || verdict == HostVerdict::revoked, "a listed key is known or revoked");
        promise(!entry.revoked || verdict == HostVerdict::revoked, "a revoked key is revoked");
        const auto line = known_hosts_line(names, entry.key);
        if (line.empty()) continue;
        KnownHosts again;
        again.add("file", line);
        promise(judge(again.find(names), entry.key).verdict == HostVerdict::known, "a written line is read back");
    }
}

} // namespace loom::fuzz
