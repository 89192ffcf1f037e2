#include "core/run/reconcile.hpp"

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/run/history.hpp"
#include "core/run/retry.hpp"

#include <algorithm>

namespace loom {
namespace {

constexpr std::size_t reruns_most = 3;

/// As the end of the run will make it.
NodeState state_when_lost(NodeState state) {
    if (state == NodeState::running) return NodeState::interrupted;
    return state == NodeState::queued ? NodeState::not_started : state;
}

awaitable<Result<LostRun>> look_at(Journal& journal, std::string id) {
    auto ask = [id = std::move(id)](RunStore& store) -> Result<LostRun> {
        auto run = store.run(id);
        if (!run) return run.error();
        auto spec = store.spec(id);
        if (!spec) return spec.error();
        auto results = store.results(id);
        if (!results) return results.error();
        LostRun lost;
        lost.run = std::move(*run);
        lost.run.spec = std::move(*spec);
        lost.results = std::move(*results);
        for (auto before = lost.run; before.reason == Reason::rerun && lost.reruns < reruns_most; ++lost.reruns) {
            auto older = store.run(before.of);
            if (!older) return older.error();
            before = std::move(*older);
        }
        return lost;
    };
    co_return co_await journal.read(std::move(ask));
}

RunFinished end_of(const std::string& id, Instant at, std::vector<std::string> followers) {
    RunFinished finished;
    finished.run = id;
    finished.state = RunState::interrupted;
    finished.at = at;
    finished.message = "Loom stopped while it was running";
    finished.followers = std::move(followers);
    return finished;
}

} // namespace

std::optional<Firing> rerun_of(CatalogPtr catalog, const LostRun& lost) {
    const auto* job = catalog->find_job(lost.run.job);
    if (!job || job->policy->on_lost != OnLost::rerun || lost.reruns >= reruns_most) return std::nullopt;
    auto ended = lost.run;
    ended.state = RunState::interrupted;
    std::vector<NodeResult> results;
    for (const auto& result : lost.results) {
        if (!catalog->find_node(result.node)) continue;
        results.push_back(result);
        results.back().outcome.state = state_when_lost(result.outcome.state);
    }
    StartRetry request;
    request.states = "interrupted,not_started";
    auto firing = firing_of(std::move(catalog), ended, results, request);
    if (!firing) return std::nullopt;
    firing->reason = Reason::rerun;
    firing->by = "on_lost";
    firing->overlap = Overlap::allow; // what it takes the place of held the job, or waits for it again
    firing->waits = lost.run.state == RunState::waiting;
    return std::move(*firing);
}

awaitable<Result<std::size_t>> settle_orphans(Journal& journal, const Clock& clock, CatalogPtr catalog, Dispatcher* dispatcher) {
    auto ask = [](RunStore& store) { return store.orphans(); };
    const auto orphans = co_await journal.read(std::move(ask));
    if (!orphans) co_return orphans.error();
    failpoint("reconcile.found");
    std::size_t ended = 0;
    for (const auto& id : *orphans) {
        const auto lost = co_await look_at(journal, id);
        if (!lost) co_return lost.error();
        auto again = rerun_of(catalog, *lost);
        if (again && !dispatcher) continue;
        ++ended;
        if (again) {
            again->ends = end_of(id, clock.now(), {}); // who follows it follows the run that takes its place
            const auto run = co_await dispatcher->fire(std::move(*again));
            if (!run && run.error().code != Errc::conflict) co_return run.error();
            if (run) logs::run.warn({id, lost->run.job}, "left behind by a process that died: {} takes its place (on_lost: rerun)", *run);
        } else {
            Record record = end_of(id, clock.now(), catalog->followers_of(lost->run.job));
            const auto verdict = co_await journal.record(std::move(record));
            if (!verdict) co_return verdict.error();
            logs::run.warn({id, lost->run.job}, "left behind by a process that died: it ends interrupted");
        }
        failpoint("reconcile.ended");
    }
    co_return ended;
}

} // namespace loom
