#pragma once
#include "core/run/run_store.hpp"

#include <numeric>
#include <stdexcept>

/// Records for tests of a RunStore, with what every one of them needs filled in.
namespace loom::records {

inline Instant at(long long seconds) { return Instant(std::chrono::seconds(1'700'000'000 + seconds)); }

inline Run make_run(std::string id, std::string job = "backup",
                    std::vector<std::string> targets = {"web1", "web2", "web3"}) {
    Run run;
    run.id = std::move(id);
    run.job = std::move(job);
    run.by = "user:anna";
    run.started = at(0);
    run.task = "uptime";
    run.catalog = "c0ffee";
    run.targets = std::move(targets);
    return run;
}

inline RunCreated created(Run run, bool exclusive = false) {
    RunCreated record;
    record.run = std::move(run);
    record.exclusive = exclusive;
    return record;
}
inline RunCreated created(std::string id) { return created(make_run(std::move(id))); }

inline NodeFinished finished(std::string run, std::uint32_t index, NodeState state = NodeState::ok,
                             std::string out = {}) {
    NodeFinished record;
    record.run = std::move(run);
    record.result.index = index;
    record.result.attempts = 1;
    record.result.finished = at(9);
    record.result.outcome.state = state;
    record.result.outcome.phase = Phase::command;
    record.result.outcome.exit_status = state == NodeState::ok ? 0 : 2;
    record.result.outcome.out.text = std::move(out);
    return record;
}
inline NodeFinished finished(std::string run, std::uint32_t index, std::string out) {
    return finished(std::move(run), index, NodeState::ok, std::move(out));
}

inline std::vector<Verdict> put(RunStore& store, const std::vector<Record>& batch) {
    auto verdicts = store.commit(batch);
    if (!verdicts)
        throw std::runtime_error(verdicts.error().message);
    return std::move(*verdicts);
}
inline Verdict put(RunStore& store, Record record) { return put(store, std::vector{std::move(record)}).at(0); }

inline std::string output(RunStore& store, const std::string& run, const std::string& node) {
    auto result = store.result(run, node);
    if (!result)
        throw std::runtime_error(result.error().message);
    return std::string(result->outcome.out.text);
}

inline std::uint32_t sum(const Run& run) { return std::accumulate(run.counts.begin(), run.counts.end(), 0u); }

} // namespace loom::records
