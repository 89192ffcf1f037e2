#include "core/run/history.hpp"

#include "core/run/queries.hpp"
#include "core/run/retry.hpp"
#include "core/run/to_views.hpp"

namespace loom {

Result<Run> look_up_run(RunStore& store, const std::string& id) {
    if (id != "last") return store.run(id);
    RunFilter newest;
    newest.limit = 1;
    auto runs = store.runs(newest);
    if (!runs) return runs.error();
    if (runs->empty()) return not_found("there is no run yet");
    return std::move(runs->front());
}

awaitable<Result<Run>> find_run(Journal& journal, std::string id) {
    auto ask = [id = std::move(id)](RunStore& store) { return look_up_run(store, id); };
    co_return co_await journal.read(std::move(ask));
}

awaitable<Result<std::vector<NodeResult>>> results_of(Journal& journal, std::string id) {
    auto ask = [id = std::move(id)](RunStore& store) { return store.results(id); };
    co_return co_await journal.read(std::move(ask));
}

awaitable<Result<GroupLookup>> failed_lookup(Journal& journal, std::string expression) {
    std::map<std::string, std::vector<std::string>, std::less<>> nodes;
    for (const auto& id : failed_terms(expression)) {
        const auto run = co_await find_run(journal, id);
        if (!run) co_return run.error();
        const auto results = co_await results_of(journal, run->id);
        if (!results) co_return results.error();
        nodes["failed:" + id] = *failed_nodes(*results, {});
    }
    GroupLookup lookup = [nodes = std::move(nodes)](std::string_view term) -> std::optional<std::vector<std::string>> {
        const auto found = nodes.find(term);
        if (found == nodes.end()) return std::nullopt;
        return found->second;
    };
    co_return lookup;
}

awaitable<Result<RunPage>> list_runs(Journal& journal, RunsQuery request) {
    auto filter = filter_of(request);
    if (!filter) co_return filter.error();
    if (!filter->before.empty()) {
        const auto before = co_await find_run(journal, filter->before);
        if (!before) co_return before.error();
        filter->before = before->id;
    }
    auto ask = [filter = *filter](RunStore& store) { return store.runs(filter); };
    auto found = co_await journal.read(std::move(ask));
    if (!found) co_return found.error();
    RunPage page;
    for (const auto& run : *found) page.items.push_back(to_view(run));
    if (found->size() == filter->limit) page.next = found->back().id;
    co_return page;
}

awaitable<Result<NodeResultList>> list_results(Journal& journal, RunRef request) {
    auto found = co_await find_run(journal, std::move(request.id));
    if (!found) co_return found.error();
    auto results = co_await results_of(journal, found->id);
    if (!results) co_return results.error();
    NodeResultList list;
    for (const auto& result : *results) list.items.push_back(to_view(result));
    co_return list;
}

awaitable<Result<OutputGroupList>> list_groups(Journal& journal, RunRef request) {
    auto found = co_await find_run(journal, std::move(request.id));
    if (!found) co_return found.error();
    auto ask = [id = found->id](RunStore& store) { return store.gathered(id); };
    auto groups = co_await journal.read(std::move(ask));
    if (!groups) co_return groups.error();
    OutputGroupList list;
    for (const auto& group : *groups) list.items.push_back(to_view(group));
    co_return list;
}

awaitable<Result<NodeOutputView>> find_output(Journal& journal, NodeRef request) {
    auto found = co_await find_run(journal, std::move(request.id));
    if (!found) co_return found.error();
    auto ask = [id = found->id, node = std::move(request.node)](RunStore& store) { return store.result(id, node); };
    auto result = co_await journal.read(std::move(ask));
    if (!result) co_return result.error();
    co_return to_output_view(*result);
}

} // namespace loom
