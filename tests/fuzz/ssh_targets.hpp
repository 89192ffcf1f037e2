#pragma once
#include "fuzz/core_targets.hpp"
#include "core/base/limits.hpp"
#include "ssh/known_hosts.hpp"
#include "ssh/login_plan.hpp"
#include "ssh/ssh_config.hpp"
#include "ssh/opening.hpp"

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
        if (entry.authority) continue; // no host's own key
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

/// The first line is a host's name, the rest an ssh_config that may include itself: whatever the bytes, a host is found
/// or refused with a place, twice alike, and a login is planned or refused.
inline void ssh_config(std::string_view bytes) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    const std::string name(bytes.substr(0, end)), text(bytes.substr(end));
    std::size_t files = 0;
    const SshConfig::Include include = [&](const std::string& pattern) {
        std::vector<SshConfig::File> found;
        if (pattern.ends_with("self") && ++files < 50) found.push_back({pattern, text});
        return found;
    };
    const SshConfig config({{{"/h/.ssh/config", text}, "/h/.ssh"}}, "/h", include);
    Node node;
    node.name = node.address = name;
    SshOptions options;
    options.home = "/h";
    options.user = "me";
    const auto found = config.find({name, "", "", "me"});
    promise(found || found.error().message.find(": ") != std::string::npos, "a refusal names its place");
    std::vector<NodeSetting> shown, shown_again;
    const auto plan = plan_login(node, options, config, &shown);
    promise(!found.has_error() || plan.has_error(), "a host that is refused gets no plan");
    if (!plan) return;
    promise(plan->jumps.size() <= limits::ssh_jumps, "the jump hosts are bounded");
    promise(plan_login(node, options, config, &shown_again) && shown_again == shown, "a plan is the same twice");
}

/// What a node says before a command begins, whole and cut in two: the same is read and the same is output, nothing is
/// added, and what follows the beginning comes through untouched.
inline void opening(std::string_view bytes) {
    if (bytes.empty()) return;
    const bool through_sudo = (static_cast<unsigned char>(bytes[0]) & 1) != 0;
    const auto cut = static_cast<unsigned char>(bytes[0]) % bytes.size();
    bytes.remove_prefix(1);
    Opening whole("M", through_sudo), halves("M", through_sudo);
    std::string first(whole.take(bytes)), second(halves.take(bytes.substr(0, std::min(cut, bytes.size()))));
    second += halves.take(bytes.substr(std::min(cut, bytes.size())));
    promise(whole.began() == halves.began() && whole.leader() == halves.leader() && whole.inner() == halves.inner() &&
                whole.prompts() == halves.prompts(),
            "pieces are read as the whole is");
    first += whole.finish();
    second += halves.finish();
    promise(first.size() <= bytes.size() && first == second, "pieces give the output of the whole");
    if (whole.began()) promise(whole.take("M 1\nM?") == "M 1\nM?", "output is not looked at");
}

} // namespace loom::fuzz
