#include "core/run/overdue.hpp"

#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"
#include "core/base/log.hpp"
#include "core/run/tell.hpp"
#include "core/schedule/overdue.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

awaitable<void> watch_overdue(Journal& journal, EventBus& bus, RunName run, Expect expect, StopToken ended) {
    std::vector<Milliseconds> past;
    if (expect.longer_than_usual > 0) {
        auto ask = [job = run.job](RunStore& store) { return store.durations(job, limits::usual_runs); };
        auto read = co_await journal.read(std::move(ask));
        if (read) past = std::move(*read);
    }
    const auto overdue = overdue_of(expect, std::move(past));
    if (!overdue) co_return;
    const bool passed = co_await pause_for(overdue->after, ended);
    if (!passed) co_return;
    RunNoted noted;
    noted.run = run.id;
    noted.note = overdue->why;
    Record record = std::move(noted);
    const auto verdict = co_await journal.record(std::move(record));
    if (!verdict || *verdict != Verdict::recorded) co_return; // it has ended, or the ledger is full: the log says so
    logs::run.warn({run.id, run.job}, "it is {}", overdue->why);
    co_await tell_run(journal, bus, run.id, "run.overdue");
}

} // namespace loom
