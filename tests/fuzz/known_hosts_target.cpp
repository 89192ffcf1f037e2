#include "known_hosts_target.hpp"

#include "ssh/known_hosts.hpp"

#include <algorithm>
#include <cstdlib>

void fuzz_known_hosts(std::string_view input) {
    using namespace loom;
    const auto end = std::min(input.find('\n'), input.size());
    HostNames names;
    names.address = input.substr(0, end);
    names.name = "alias";
    names.port = input.size() % 2 == 0 ? 22 : 2222;
    KnownHosts known;
    known.add("file", input.substr(end));
    const auto record = known.find(names);
    for (const auto& entry : record.entries) {
        // A listed key is never unknown, and only a revoked one is revoked.
        const auto verdict = judge(record, entry.key).verdict;
        if (verdict != HostVerdict::known && verdict != HostVerdict::revoked) std::abort();
        if (entry.revoked && verdict != HostVerdict::revoked) std::abort();
        // What would be written is read back as the same.
        const auto line = known_hosts_line(names, entry.key);
        if (line.empty()) continue;
        KnownHosts again;
        again.add("file", line);
        if (judge(again.find(names), entry.key).verdict != HostVerdict::known) std::abort();
    }
}
