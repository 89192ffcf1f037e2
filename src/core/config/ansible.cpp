#include "core/config/ansible.hpp"

#include "core/base/limits.hpp"
#include "core/config/ansible_groups.hpp"
#include "core/config/ansible_login.hpp"
#include "core/config/reading.hpp"

#include <set>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using Index = std::size_t;

/// The order in which a group's variables count, and every group above it.
class Lineage {
public:
    Lineage(AnsibleGroups& inventory, Faults& faults) : groups_(inventory.groups) {
        parents_.resize(groups_.size());
        std::vector<std::size_t> waiting(groups_.size(), 0);
        for (Index i = 0; i < groups_.size(); ++i) {
            auto& children = groups_[i].children;
            std::sort(children.begin(), children.end());
            children.erase(std::unique(children.begin(), children.end()), children.end());
            for (const auto child : children) {
                parents_[child].push_back(i);
                ++waiting[child];
            }
        }
        depth_.assign(groups_.size(), 1);
        depth_[AnsibleGroups::all] = 0;
        above_.resize(groups_.size());
        std::vector<Index> ready;
        for (Index i = 0; i < groups_.size(); ++i)
            if (waiting[i] == 0) ready.push_back(i);
        std::size_t done = 0;
        for (; done < ready.size(); ++done) {
            const auto group = ready[done];
            settle(group, faults);
            for (const auto child : groups_[group].children)
                if (--waiting[child] == 0) ready.push_back(child);
        }
        for (Index i = 0; i < groups_.size() && done < groups_.size(); ++i)
            if (waiting[i] != 0) {
                faults.push_back({groups_[i].mark, fmt::format("group \"{}\" contains itself", groups_[i].name)});
                break;
            }
        set_priorities();
    }

    /// The groups, those above them and `all`; the last one's variables win.
    std::vector<Index> of(const std::vector<Index>& direct) const {
        std::vector<Index> found{AnsibleGroups::all};
        for (const auto group : direct) {
            found.push_back(group);
            found.insert(found.end(), above_[group].begin(), above_[group].end());
        }
        std::sort(found.begin(), found.end(), [&](Index a, Index b) { return rank_[a] < rank_[b]; });
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found;
    }

private:
    void settle(Index group, Faults& faults) {
        auto& above = above_[group];
        for (const auto parent : parents_[group]) {
            depth_[group] = std::max(depth_[group], depth_[parent] + 1);
            above.push_back(parent);
            above.insert(above.end(), above_[parent].begin(), above_[parent].end());
        }
        std::sort(above.begin(), above.end());
        above.erase(std::unique(above.begin(), above.end()), above.end());
        if (depth_[group] == limits::yaml_depth + 1)
            faults.push_back({groups_[group].mark, fmt::format("groups nested deeper than {} levels", limits::yaml_depth)});
    }

    void set_priorities() {
        std::vector<Index> order(groups_.size());
        std::vector<std::int64_t> priority(groups_.size(), 1);
        for (Index i = 0; i < groups_.size(); ++i) {
            order[i] = i;
            for (const auto* vars : {&groups_[i].vars, &groups_[i].file_vars})
                if (const auto found = vars->find("ansible_group_priority"); found != vars->end() && found->second.value.is_int64())
                    priority[i] = found->second.value.get_int64();
        }
        std::sort(order.begin(), order.end(), [&](Index a, Index b) {
            return std::tie(depth_[a], priority[a], groups_[a].name) < std::tie(depth_[b], priority[b], groups_[b].name);
        });
        rank_.resize(groups_.size());
        for (Index i = 0; i < order.size(); ++i) rank_[order[i]] = i;
    }

    std::vector<AnsibleGroup>& groups_;
    std::vector<std::vector<Index>> parents_, above_;
    std::vector<std::size_t> depth_, rank_;
};

class AnsibleReader {
public:
    AnsibleReader(const AnsibleTexts& texts, Faults& faults, std::deque<SourceText>& sources)
        : texts_(texts), faults_(faults), sources_(sources) {}

    Inventory read() {
        for (const auto& text : texts_.inventories) {
            const auto& from = source(text);
            if (is_yaml_inventory(text.path, text.text)) read_ansible_tree(from, inventory_, faults_, warnings_);
            else read_ansible_ini(from, inventory_, faults_);
        }
        // Variables of groups and hosts that the inventory does not have are no fault: the files serve several.
        for (const auto& [name, text] : texts_.group_vars)
            if (const auto* group = inventory_.find_group(name))
                read_ansible_vars(source(text), inventory_.groups[index_of(*group)].file_vars, faults_, warnings_);
        for (const auto& [name, text] : texts_.host_vars)
            if (const auto* host = inventory_.find_host(name)) {
                const auto at = static_cast<Index>(host - inventory_.hosts.data());
                read_ansible_vars(source(text), inventory_.hosts[at].file_vars, faults_, warnings_);
            }
        check_groups();
        const Lineage lineage(inventory_, faults_);
        Inventory result;
        if (faults_.empty()) result.nodes = nodes(lineage);
        if (!faults_.empty()) result.nodes.clear();
        result.warnings = problems();
        return result;
    }

private:
    /// What the hosts of the same groups share.
    struct Shared {
        std::map<std::string_view, const AnsibleVar*> vars;
        std::vector<std::string> groups;
    };

    const SourceText& source(const ConfigText& text) {
        auto& made = sources_.emplace_back(SourceText{text.path, shown_path(text.path, texts_.settings_path), text.text});
        if (text.others_can_read) open_sources_.insert(&made);
        return made;
    }

    Index index_of(const AnsibleGroup& group) const { return static_cast<Index>(&group - inventory_.groups.data()); }

    void check_groups() {
        std::vector<std::string> names;
        for (const auto& group : inventory_.groups)
            if (group.declared) names.push_back(group.name);
        for (const auto& group : inventory_.groups) {
            if (!plain_name(group.name))
                faults_.push_back({group.mark, fmt::format("\"{}\" cannot name a group: use letters, digits, '.', '_' and '-'", group.name)});
            else if (!group.declared)
                faults_.push_back({group.mark, fmt::format("group \"{}\" is not defined{}", group.name, did_you_mean(group.name, names))});
        }
    }

    std::vector<Node> nodes(const Lineage& lineage) {
        std::map<std::vector<Index>, Shared> shared;
        std::vector<Node> made;
        made.reserve(inventory_.hosts.size());
        for (auto& host : inventory_.hosts) {
            if (!plain_name(host.name)) {
                faults_.push_back({host.mark, fmt::format("\"{}\" is not a host name: use letters, digits, '.', '_', '-' and ':'", host.name)});
                continue;
            }
            // A host that is in any other group is not ungrouped.
            if (host.groups.size() > 1) std::erase(host.groups, AnsibleGroups::ungrouped);
            std::erase(host.groups, AnsibleGroups::all);
            if (host.groups.empty()) host.groups.push_back(AnsibleGroups::ungrouped);
            auto at = shared.find(host.groups);
            if (at == shared.end()) at = shared.emplace(host.groups, share(lineage.of(host.groups))).first;
            made.push_back(node(host, at->second));
        }
        const auto less = [](const Node& a, const Node& b) { return natural_less(a.name, b.name); };
        if (!std::is_sorted(made.begin(), made.end(), less)) std::sort(made.begin(), made.end(), less);
        return made;
    }

    Shared share(const std::vector<Index>& groups) const {
        Shared shared;
        for (const auto group : groups) add_vars(shared, inventory_.groups[group].vars);
        for (const auto group : groups) add_vars(shared, inventory_.groups[group].file_vars);
        for (const auto group : groups)
            if (group != AnsibleGroups::all) shared.groups.push_back(inventory_.groups[group].name);
        std::sort(shared.groups.begin(), shared.groups.end(), natural_less);
        shared.groups.emplace_back("all");
        return shared;
    }

    static void add_vars(Shared& shared, const AnsibleVars& vars) {
        for (const auto& [key, var] : vars) shared.vars[key] = &var;
    }

    Node node(const AnsibleHost& host, const Shared& shared) {
        auto vars = shared.vars;
        for (const auto* own : {&host.vars, &host.file_vars})
            for (const auto& [key, var] : *own) vars[key] = &var;
        Node node;
        node.name = host.name;
        node.address = host.name;
        node.groups = shared.groups;
        AnsibleLogin login(node, texts_.home, warnings_);
        for (const auto& [key, var] : vars)
            if (!login.take(key, *var)) node.vars.emplace(key, var->value);
        login.finish();
        if (const auto* password = login.password_mark(); password && open_sources_.contains(password->source) && !warned_) {
            warned_ = true;
            warnings_.push_back({*password, fmt::format("a password in a file that others can read: chmod 600 {}", password->source->path)});
        }
        return node;
    }

    /// Ten thousand equal warnings help nobody: each is told once, with how often it came.
    std::vector<Problem> problems() const {
        std::map<std::string_view, std::pair<const Fault*, std::size_t>> counts;
        std::vector<std::string_view> order;
        std::set<std::tuple<std::string_view, const SourceText*, std::uint32_t, std::uint32_t>> places;
        for (const auto& warning : warnings_) {
            auto& [first, count] = counts[warning.message];
            if (!places.emplace(warning.message, warning.mark.source, warning.mark.line, warning.mark.column).second) continue;
            if (!first) {
                first = &warning;
                order.push_back(warning.message);
            }
            ++count;
        }
        std::vector<Problem> found;
        for (const auto& message : order) {
            const auto& [first, count] = counts.at(message);
            found.push_back({Problem::Kind::warning, "", to_string(first->mark),
                             count == 1 ? first->message : fmt::format("{} (and at {} more places)", first->message, count - 1)});
        }
        return found;
    }

    const AnsibleTexts& texts_;
    Faults& faults_;
    Faults warnings_;
    std::deque<SourceText>& sources_;
    std::set<const SourceText*> open_sources_; ///< that others can read
    bool warned_ = false;
    AnsibleGroups inventory_;
};

} // namespace

Inventory read_ansible(const AnsibleTexts& texts, Faults& faults, std::deque<SourceText>& sources) {
    return AnsibleReader(texts, faults, sources).read();
}

bool is_yaml_inventory(std::string_view path, std::string_view text) {
    for (const std::string_view ending : {".yml", ".yaml", ".json"})
        if (path.ends_with(ending)) return true;
    if (path.ends_with(".ini")) return false;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        const auto first = line.find_first_not_of(" \t");
        if (first != std::string_view::npos && line[first] != '#' && line[first] != ';')
            return line == "---" || line[first] == '{' || (first == 0 && line.ends_with(':'));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

} // namespace loom
