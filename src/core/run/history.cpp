#include "core/run/history.hpp"

#include "core/run/retry.hpp"

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

} // namespace loom
