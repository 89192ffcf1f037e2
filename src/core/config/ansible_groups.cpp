#include "core/config/ansible_groups.hpp"

#include "core/base/limits.hpp"
#include "core/config/words.hpp"

#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// `name:22`, `[2001:db8::1]:22` → the name and the port; an address with several colons has none.
std::pair<std::string_view, std::string_view> split_port(std::string_view pattern) {
    const auto colon = pattern.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == pattern.size()) return {pattern, {}};
    const auto port = pattern.substr(colon + 1);
    if (port.find_first_not_of("0123456789") != std::string_view::npos) return {pattern, {}};
    const auto name = pattern.substr(0, colon);
    // Colons of ranges stand in brackets; any other one makes it an IPv6 address.
    int depth = 0;
    for (const char c : name) {
        depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        if (c == ':' && depth == 0) return {pattern, {}};
    }
    return depth == 0 ? std::pair(name, port) : std::pair(pattern, std::string_view{});
}

} // namespace

AnsibleGroups::AnsibleGroups() {
    groups[group("all", {})].declared = true;
    groups[group("ungrouped", {})].declared = true;
}

std::size_t AnsibleGroups::group(std::string_view name, const Mark& mark) {
    const auto [at, fresh] = group_places_.emplace(name, groups.size());
    if (fresh) {
        groups.emplace_back().name = name;
        groups.back().mark = mark;
    }
    return at->second;
}

std::size_t AnsibleGroups::host(std::string_view name, const Mark& mark) {
    const auto [at, fresh] = host_places_.emplace(name, hosts.size());
    if (fresh) {
        hosts.emplace_back().name = name;
        hosts.back().mark = mark;
    }
    return at->second;
}

void AnsibleGroups::add_host(std::size_t group, std::string_view name, const Mark& mark, const AnsibleVars& vars) {
    auto& entry = hosts[host(name, mark)];
    if (std::find(entry.groups.begin(), entry.groups.end(), group) == entry.groups.end()) entry.groups.push_back(group);
    for (const auto& [key, var] : vars) entry.vars.insert_or_assign(key, var);
}

bool AnsibleGroups::add_hosts(std::size_t group, std::string_view pattern, const Mark& mark, const AnsibleVars& vars,
                              std::string& why) {
    const auto [name, port] = split_port(pattern);
    auto all_vars = vars;
    std::int64_t number = 0;
    if (!port.empty() && std::from_chars(port.data(), port.data() + port.size(), number).ec == std::errc{})
        all_vars.try_emplace("ansible_port", AnsibleVar{number, mark, std::string(port)});
    // An IPv6 address: a range has one colon or two, and never both side by side.
    const bool address = name.starts_with('[') && name.ends_with(']') && name.find('[', 1) == std::string_view::npos &&
                         (std::count(name.begin(), name.end(), ':') > 2 || name.find("::") != std::string_view::npos);
    const auto names = address ? Result<std::vector<std::string>>(std::vector{std::string(name.substr(1, name.size() - 2))})
                       : name.find('[') == std::string_view::npos
                           ? Result<std::vector<std::string>>(std::vector{std::string(name)})
                           : expand_host_range(name);
    if (!names) {
        why = names.error().message;
        return false;
    }
    mentions_ += names->size();
    if (mentions_ > limits::yaml_values || hosts.size() + names->size() > 2 * limits::nodeset_nodes) {
        why = fmt::format("more than {} hosts", limits::nodeset_nodes);
        return false;
    }
    for (const auto& one : *names) add_host(group, one, mark, all_vars);
    return true;
}

const AnsibleGroup* AnsibleGroups::find_group(std::string_view name) const {
    const auto at = group_places_.find(std::string(name));
    return at == group_places_.end() ? nullptr : &groups[at->second];
}

const AnsibleHost* AnsibleGroups::find_host(std::string_view name) const {
    const auto at = host_places_.find(std::string(name));
    return at == host_places_.end() ? nullptr : &hosts[at->second];
}

} // namespace loom
