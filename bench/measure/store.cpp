#include "measure/folder.hpp"
#include "measure/measurements.hpp"
#include "measure/report.hpp"

#include "app/runtime.hpp"
#include "app/store/sqlite_store.hpp"
#include "core/async/block_on.hpp"
#include "core/async/scope.hpp"
#include "core/base/digest.hpp"
#include "core/run/journal.hpp"

#include <algorithm>
#include <atomic>
#include <spdlog/fmt/fmt.h>

namespace loom::bench {
namespace {

constexpr std::size_t run_nodes = 1000, at_once = 64;

enum class Said { nothing, equal, distinct };

std::string output_of(Said said, const std::string& run, std::uint32_t node) {
    if (said == Said::nothing) return {};
    return fmt::format("{:-<99}\n", said == Said::equal ? "all is well " : fmt::format("{} {} ", run, node));
}

/// One run's records, in the order and the company in which a fan-out makes them: a row before the first packet for each
/// batch of nodes, then each node's result from a strand of its own.
awaitable<std::size_t> record_run(Runtime& runtime, Journal& journal, Said said) {
    std::atomic<std::size_t> recorded{0};
    RunCreated created;
    created.run.id = uuid_v7(runtime.clock.now().time_since_epoch().count());
    created.run.started = runtime.clock.now();
    created.run.task = "true";
    for (std::size_t i = 0; i < run_nodes; ++i) created.run.targets.push_back(fmt::format("n{:05}", i + 1));
    const auto id = created.run.id;
    Record record = std::move(created);
    co_await journal.record(std::move(record));

    const auto here = co_await asio::this_coro::executor;
    Scope nodes(here);
    for (std::uint32_t first = 0; first < run_nodes; first += at_once) {
        const auto last = std::min<std::uint32_t>(first + at_once, run_nodes);
        NodesStarted started;
        started.run = id;
        started.at = runtime.clock.now();
        for (auto node = first; node < last; ++node) started.indices.push_back(node);
        Record batch = std::move(started);
        co_await journal.record(std::move(batch));
        for (auto node = first; node < last; ++node) {
            auto finish = [&, node]() -> awaitable<void> {
                NodeFinished finished;
                finished.run = id;
                finished.result.index = node;
                finished.result.attempts = 1;
                finished.result.started = finished.result.finished = runtime.clock.now();
                finished.result.outcome.state = NodeState::ok;
                finished.result.outcome.phase = Phase::command;
                finished.result.outcome.exit_status = 0;
                finished.result.outcome.out.text = output_of(said, id, node);
                Record result = std::move(finished);
                const auto verdict = co_await journal.record(std::move(result));
                if (verdict && *verdict == Verdict::recorded) ++recorded;
            };
            nodes.spawn(runtime.strands().at(node), std::move(finish));
        }
        co_await nodes.join();
    }
    RunFinished ended;
    ended.run = id;
    ended.at = runtime.clock.now();
    Record end = std::move(ended);
    co_await journal.record(std::move(end));
    co_return recorded.load();
}

/// CPU of a result, the run's other rows and the threads' hand-overs included.
double recorded_us(Runtime& runtime, Journal& journal, std::size_t results, Said said) {
    const auto runs = std::max<std::size_t>(1, results / run_nodes);
    std::size_t recorded = 0;
    const auto before = now();
    for (std::size_t i = 0; i < runs; ++i) recorded += block_on(runtime.io(), record_run(runtime, journal, said));
    const auto spent = now().cpu_us - before.cpu_us;
    if (recorded != runs * run_nodes) give_up(fmt::format("{} of {} results were recorded", recorded, runs * run_nodes));
    return spent / static_cast<double>(recorded);
}

} // namespace

void store(const LocalOptions& options) {
    const Folder folder;
    Runtime runtime;
    auto ledger = open_sqlite_store(folder.path() + "/state", StoreMode::read_write);
    if (!ledger) give_up(ledger.error().message);
    Journal journal(**ledger, runtime.store());
    Report report("store");
    report.set("results", static_cast<double>(options.results));
    report.set("silent_us", recorded_us(runtime, journal, options.results, Said::nothing));
    report.set("equal_us", recorded_us(runtime, journal, options.results, Said::equal));
    report.set("distinct_us", recorded_us(runtime, journal, options.results, Said::distinct));
    report.print();
}

} // namespace loom::bench
