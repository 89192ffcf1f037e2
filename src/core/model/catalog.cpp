#include "core/model/catalog.hpp"

#include "core/base/near.hpp"

#include <algorithm>
#include <set>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Answers `@…` of one expression from a catalog. Groups may name groups; a cycle is an error.
class Groups {
public:
    Groups(const Catalog& catalog, const GroupLookup& failed) : catalog_(catalog), failed_(failed) {}

    Result<std::vector<std::string>> expand(std::string_view expression) {
        std::vector<std::string> names;
        if (expression.find('@') != std::string_view::npos) names = catalog_.group_names();
        auto expanded = expand_nodeset(expression, [this](std::string_view term) { return look_up(term); }, names);
        // What went wrong inside a group says more than that the group gave nothing.
        if (!expanded && inner_) return *inner_;
        return expanded;
    }

private:
    std::optional<std::vector<std::string>> look_up(std::string_view term) {
        if (term == "*") return catalog_.node_names();
        if (term.starts_with("failed:")) return failed_ ? failed_(term) : std::nullopt;
        constexpr std::string_view label = "label:";
        if (term.starts_with(label)) return with_label(term.substr(label.size()));
        return in_group(term);
    }

    std::optional<std::vector<std::string>> with_label(std::string_view term) {
        const auto equals = term.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        const std::string key(term.substr(0, equals));
        std::set<std::string> keys;
        std::vector<std::string> names;
        for (const auto& node : catalog_.nodes) {
            for (const auto& [other, value] : node.labels) keys.insert(other);
            const auto found = node.labels.find(key);
            if (found != node.labels.end() && found->second == term.substr(equals + 1)) names.push_back(node.name);
        }
        if (keys.contains(key)) return names;
        const std::vector<std::string> known(keys.begin(), keys.end());
        fail(not_found(fmt::format("unknown term @label:{}: no node has the label \"{}\"{}", term, key,
                                   did_you_mean(key, known))));
        return std::nullopt;
    }

    std::optional<std::vector<std::string>> in_group(std::string_view term) {
        bool known = false;
        std::vector<std::string> names;
        for (const auto& node : catalog_.nodes) {
            if (std::find(node.groups.begin(), node.groups.end(), term) == node.groups.end()) continue;
            known = true;
            names.push_back(node.name);
        }
        const auto group = catalog_.settings.groups.find(std::string(term));
        if (group == catalog_.settings.groups.end()) return known ? std::optional(names) : std::nullopt;
        if (std::find(open_.begin(), open_.end(), term) != open_.end()) {
            fail(usage_error(fmt::format("group \"{}\" contains itself: {} -> {}", term, fmt::join(open_, " -> "), term)));
            return std::nullopt;
        }
        open_.emplace_back(term);
        auto members = expand(group->second);
        open_.pop_back();
        if (!members) {
            fail({members.error().code, fmt::format("group \"{}\": {}", term, members.error().message)});
            return std::nullopt;
        }
        names.insert(names.end(), members->begin(), members->end());
        return names;
    }

    void fail(Error error) {
        if (!inner_) inner_ = std::move(error);
    }

    const Catalog& catalog_;
    const GroupLookup& failed_;
    std::vector<std::string> open_; ///< the groups that are being expanded, outermost first
    std::optional<Error> inner_;
};

} // namespace

const Node* Catalog::find_node(std::string_view name) const {
    const auto at = std::lower_bound(nodes.begin(), nodes.end(), name,
                                     [](const Node& node, std::string_view wanted) { return natural_less(node.name, wanted); });
    return at != nodes.end() && at->name == name ? &*at : nullptr;
}

const Job* Catalog::find_job(std::string_view name) const {
    const auto at = std::lower_bound(jobs.begin(), jobs.end(), name,
                                     [](const Job& job, std::string_view wanted) { return job.name < wanted; });
    return at != jobs.end() && at->name == name ? &*at : nullptr;
}

const Hook* Catalog::find_hook(std::string_view name) const {
    const auto found = std::ranges::find(hooks, name, &Hook::name);
    return found == hooks.end() ? nullptr : &*found;
}

std::vector<std::string> Catalog::node_names() const {
    std::vector<std::string> names;
    names.reserve(nodes.size());
    for (const auto& node : nodes) names.push_back(node.name);
    return names;
}

std::vector<std::string> Catalog::group_names() const {
    std::set<std::string> names;
    for (const auto& [name, expression] : settings.groups) names.insert(name);
    for (const auto& node : nodes) names.insert(node.groups.begin(), node.groups.end());
    return {names.begin(), names.end()};
}

std::vector<std::string> Catalog::job_names() const {
    std::vector<std::string> names;
    names.reserve(jobs.size());
    for (const auto& job : jobs) names.push_back(job.name);
    return names;
}

std::vector<std::string> Catalog::followers_of(std::string_view job) const {
    const auto found = followers.find(job);
    return found == followers.end() ? std::vector<std::string>{} : found->second;
}

Result<std::vector<std::string>> Catalog::expand(std::string_view expression, const GroupLookup& failed) const {
    auto expanded = Groups(*this, failed).expand(expression);
    if (!expanded) return expanded;
    for (const auto& name : *expanded)
        if (!find_node(name)) return not_found(fmt::format("unknown node \"{}\"{}", name, did_you_mean(name, node_names())));
    return expanded;
}

} // namespace loom
