#include "measure/folder.hpp"
#include "measure/measurements.hpp"
#include "measure/report.hpp"

#include "app/runtime.hpp"
#include "app/store/sqlite_store.hpp"
#include "core/async/block_on.hpp"
#include "core/async/scope.hpp"
#include "core/async/slots.hpp"
#include "core/base/digest.hpp"
#include "core/run/journal.hpp"

#include <algorithm>
#include <atomic>
#include <spdlog/fmt/fmt.h>

namespace loom::bench {
namespace {

constexpr std::size_t run_nodes = 1000, narrow = 64; ///< at once, as by default; else all

enum class Said { nothing, equal, distinct };

std::string output_of(Said said, const std::string& run, std::uint32_t node) {
    if (said == Said::nothing) return {};
    return fmt::format("{:-<99}\n", said == Said::equal ? "all is well " : fmt::format("{} {} ", run, node));
}

/// One run's records, in the order and the company in which a fan-out makes them: a row before the first packet for each
/// batch of nodes, as many as there are places; each node's result from a strand of its own, after it has given its place back.
/// Without a ledger the same coroutines do the same, and record nothing.
class FanOut {
public:
    FanOut(Runtime& runtime, Journal* ledger, Said said, std::size_t at_once) : runtime_(runtime), ledger_(ledger), said_(said), seats_(at_once) {}

    awaitable<void> run() {
        Run made;
        made.id = run_ = uuid_v7(runtime_.clock.now().time_since_epoch().count());
        made.started = runtime_.clock.now();
        made.task = "true";
        for (std::size_t i = 0; i < run_nodes; ++i) made.targets.push_back(fmt::format("n{:05}", i + 1));
        RunCreated created;
        created.run = std::move(made);
        co_await record(std::move(created));
        const auto here = co_await asio::this_coro::executor;
        Scope nodes(here);
        for (std::uint32_t first = 0; first < run_nodes;) {
            auto seats = co_await take_seats(run_nodes - first);
            NodesStarted started;
            started.run = run_;
            started.at = runtime_.clock.now();
            for (std::size_t i = 0; i < seats.size(); ++i) started.indices.push_back(first + static_cast<std::uint32_t>(i));
            co_await record(std::move(started));
            for (auto& seat : seats) {
                auto node = [this, place = first++, seat = std::move(seat)]() mutable -> awaitable<void> {
                    auto result = result_of(place);
                    seat.release();
                    co_await record(std::move(result));
                };
                nodes.spawn(runtime_.strands().at(first), std::move(node));
            }
        }
        co_await nodes.join();
        RunFinished ended;
        ended.run = run_;
        ended.at = runtime_.clock.now();
        co_await record(std::move(ended));
    }

    std::size_t recorded() const { return recorded_; }

private:
    awaitable<std::vector<Slots::Hold>> take_seats(std::size_t most) {
        const StopToken never;
        std::vector<Slots::Hold> seats;
        auto seat = co_await seats_.acquire(never);
        while (seat) {
            seats.push_back(std::move(seat));
            if (seats.size() == most) break;
            seat = seats_.try_acquire();
        }
        co_return seats;
    }

    NodeFinished result_of(std::uint32_t place) const {
        NodeFinished finished;
        finished.run = run_;
        finished.result.index = place;
        finished.result.attempts = 1;
        finished.result.started = finished.result.finished = runtime_.clock.now();
        finished.result.outcome.state = NodeState::ok;
        finished.result.outcome.phase = Phase::command;
        finished.result.outcome.exit_status = 0;
        finished.result.outcome.out.text = output_of(said_, run_, place);
        return finished;
    }

    template <class Each>
    awaitable<void> record(Each each) {
        if (!ledger_) co_return;
        Record record = std::move(each);
        const auto verdict = co_await ledger_->record(std::move(record));
        if (std::is_same_v<Each, NodeFinished> && verdict && *verdict == Verdict::recorded) ++recorded_;
    }

    Runtime& runtime_;
    Journal* ledger_;
    Said said_;
    std::string run_;
    Slots seats_;
    std::atomic<std::size_t> recorded_{0};
};

/// CPU a node of all threads, with everything that the fan-out does beside.
double fan_out_us(Runtime& runtime, Journal* ledger, std::size_t results, Said said, std::size_t at_once) {
    const auto runs = std::max<std::size_t>(1, results / run_nodes);
    const auto before = now();
    for (std::size_t i = 0; i < runs; ++i) {
        FanOut fan_out(runtime, ledger, said, at_once);
        block_on(runtime.io(), fan_out.run());
        if (ledger && fan_out.recorded() != run_nodes) give_up(fmt::format("{} of {} results were recorded", fan_out.recorded(), run_nodes));
    }
    return (now().cpu_us - before.cpu_us) / static_cast<double>(runs * run_nodes);
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
    std::uint64_t records = 0, commits = 0;
    for (const auto& [width, at_once] : {std::pair{"", narrow}, {"wide_", run_nodes}}) {
        for (const auto& [name, said] : {std::pair{"silent", Said::nothing}, {"equal", Said::equal}, {"distinct", Said::distinct}}) {
            const auto without = fan_out_us(runtime, nullptr, options.results, said, at_once);
            report.set(fmt::format("{}{}_us", width, name), fan_out_us(runtime, &journal, options.results, said, at_once) - without);
            report.set(fmt::format("{}{}_beside_us", width, name), without);
        }
        EngineMeasures measures;
        journal.measure(measures);
        report.set(fmt::format("{}records_a_commit", width),
                   static_cast<double>(measures.journal->records - records) / static_cast<double>(measures.journal->commits - commits));
        records = measures.journal->records;
        commits = measures.journal->commits;
    }
    report.print();
}

} // namespace loom::bench
