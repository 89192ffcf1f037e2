#include "app/http/sight.hpp"

#include "core/model/nodeset.hpp"
#include "core/run/json.hpp"
#include "core/task/library/library.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {

std::optional<Error> refusal(const Principal& caller, AccessScope needs, Touches touches) {
    if (caller.grant.scope < needs)
        return Error{Errc::denied, fmt::format("this needs the scope {}; {} has {}", to_string(needs), caller.by, to_string(caller.grant.scope))};
    if (touches == Touches::everything && caller.grant.limited())
        return Error{Errc::denied, fmt::format("{} is limited to jobs or nodes, and this is about all of them", caller.by)};
    return std::nullopt;
}

std::vector<std::string> Sight::seen_of(const std::string& folded) const {
    auto names = expand_nodeset(folded);
    if (!names) return {};
    std::erase_if(*names, [&](const auto& name) { return !node(name); });
    return std::move(*names);
}

bool Sight::sees_all_of(const std::vector<std::string>& names) const {
    return std::ranges::all_of(names, [&](const auto& name) { return node(name); });
}

void narrow(JobView& job, const Sight& sight, const std::vector<std::string>& nodes) {
    if (sight.limited()) job.after.clear(); // names of other jobs
    if (sight.sees_all_of(nodes)) return;
    std::vector<std::string> seen;
    std::ranges::copy_if(nodes, std::back_inserter(seen), [&](const auto& name) { return sight.node(name); });
    job.targets = fold_nodeset(seen);
    job.nodes = static_cast<std::uint32_t>(seen.size());
}

void narrow(NodeList& list, const Sight& sight) {
    std::erase_if(list.items, [&](const auto& item) { return !sight.node(item.name); });
}

void narrow(NodeResultList& list, const Sight& sight) {
    std::erase_if(list.items, [&](const auto& item) { return !sight.node(item.node); });
}

void narrow(OutputGroupList& list, const Sight& sight) {
    if (!sight.nodes) return;
    for (auto& group : list.items) {
        const auto seen = sight.seen_of(group.nodes);
        group.nodes = fold_nodeset(seen);
        group.count = static_cast<std::uint32_t>(seen.size());
    }
    std::erase_if(list.items, [](const auto& group) { return group.count == 0; });
}

std::optional<RunView> narrow(RunView run, const Sight& sight, const NodeResultList& results) {
    if (!sight.job(run.job)) return std::nullopt;
    if (sight.limited()) run.upstream.clear(); // runs of other jobs
    if (!sight.nodes) return run;
    std::map<std::string, std::uint32_t> counts;
    std::uint32_t seen = 0;
    for (const auto& result : results.items) {
        if (!sight.node(result.node)) continue;
        ++seen;
        ++counts[result.state];
    }
    if (seen == 0) return std::nullopt;
    if (seen == results.items.size()) return run;
    run.counts = std::move(counts);
    run.targets = seen;
    run.message.clear(); // they speak of all nodes
    run.note.clear();
    return run;
}

void narrow(CatalogView& catalog, const Sight& sight) {
    if (!sight.limited()) return;
    CatalogView left;
    left.version = catalog.version;
    left.draining = catalog.draining;
    if (!catalog.last_error.empty()) left.last_error = "the newest configuration is not taken";
    catalog = std::move(left);
}

void narrow(WhyView& why, const Sight& sight) {
    if (sight.limited()) why.because = {"The reasons may speak of other jobs and nodes: this token is not for them."};
}

bool narrow(Event& event, const Sight& sight) {
    if (!sight.nodes) return true;
    if (event.type.starts_with("wave.") || event.type == "nodes.started") return false;
    event.data.erase("counts");
    const auto* name = event.data.if_contains("node");
    if (const auto* result = event.data.if_contains("result"); result && result->is_object()) name = result->get_object().if_contains("node");
    if (name) return name->is_string() && sight.node(name->get_string());
    return event.type == "gap" || event.type == "run.stalled";
}

std::vector<std::string> runs_in(std::string_view expression) {
    constexpr std::string_view mark = "@failed:";
    std::vector<std::string> runs;
    for (auto at = expression.find(mark); at != std::string_view::npos; at = expression.find(mark, at + 1)) {
        const auto rest = expression.substr(at + mark.size());
        runs.emplace_back(rest.substr(0, rest.find_first_of(",!&^() \t\n")));
    }
    return runs;
}

namespace {

bool stays_on_its_nodes(std::string_view task) {
    if (task.empty() || task == "fabric.api.run" || task == "fabric.api.sudo") return true;
    const auto tasks = task_library();
    const auto row = std::ranges::find(tasks, task, [](const auto& each) { return each.info.name; });
    return row != tasks.end() && !row->script.empty() &&
           std::ranges::none_of(row->info.parameters, [](const auto& parameter) { return parameter.kind == ParameterKind::local; });
}

} // namespace

bool reaches_the_host(const StartExec& request) { return !stays_on_its_nodes(request.task) || request.adhoc || !request.identity.empty(); }

} // namespace loom
