#include "core/config/merge_sources.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <unordered_map>

namespace loom {
namespace {

template <class T>
void fill(T& into, const T& from) {
    if (into == T{}) into = from;
}

/// What `from` says of the node counts where `into` says nothing.
void fill_node(Node& into, const Node& from) {
    if (into.address == into.name) into.address = from.address;
    fill(into.port, from.port);
    fill(into.user, from.user);
    fill(into.password, from.password);
    fill(into.passphrase, from.passphrase);
    fill(into.identity, from.identity);
    into.become = joined(into.become, from.become);
    fill(into.place, from.place);
    fill(into.jump, from.jump);
    for (const auto& group : from.groups)
        if (std::find(into.groups.begin(), into.groups.end(), group) == into.groups.end()) into.groups.push_back(group);
    into.labels.insert(from.labels.begin(), from.labels.end());
    for (const auto& entry : from.vars) into.vars.emplace(entry.key(), entry.value());
}

class Merge {
public:
    Merge(std::vector<Node>& nodes, std::vector<Problem>& problems)
        : nodes_(nodes), problems_(problems), of_file_(nodes.size()) {
        for (std::size_t i = 0; i < nodes_.size(); ++i) places_.emplace(nodes_[i].name, i);
    }

    void add(const SourceNodes& source) {
        problems_.insert(problems_.end(), source.problems.begin(), source.problems.end());
        std::vector<std::string> elsewhere;
        for (const auto& node : source.nodes) {
            const auto [at, fresh] = places_.emplace(node.name, nodes_.size());
            if (fresh) {
                nodes_.push_back(node);
                continue;
            }
            auto& known = nodes_[at->second];
            const bool two = known.address != known.name && node.address != node.name && known.address != node.address;
            if (at->second >= of_file_ && two) elsewhere.push_back(node.name);
            fill_node(known, node);
        }
        if (!elsewhere.empty())
            problems_.push_back({Problem::Kind::warning, "", source.name,
                                 fmt::format("an earlier source has another address for {}: that one counts", fold_nodeset(elsewhere))});
    }

private:
    std::vector<Node>& nodes_;
    std::vector<Problem>& problems_;
    std::size_t of_file_; ///< how many came from the nodes file
    std::unordered_map<std::string, std::size_t> places_;
};

} // namespace

void merge_sources(std::vector<Node>& nodes, const std::vector<SourceNodes>& sources, std::vector<Problem>& problems) {
    if (sources.empty()) return;
    Merge merge(nodes, problems);
    for (const auto& source : sources) merge.add(source);
    std::sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) { return natural_less(a.name, b.name); });
    if (nodes.size() <= limits::nodeset_nodes) return;
    problems.push_back({Problem::Kind::quarantined, "", "inventory",
                        fmt::format("more than {} nodes: the last ones are left out", limits::nodeset_nodes)});
    nodes.resize(limits::nodeset_nodes);
}

} // namespace loom
