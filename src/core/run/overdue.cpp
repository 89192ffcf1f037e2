#include "core/run/overdue.hpp"

#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"
#include "core/base/log.hpp"
#include "core/run/history.hpp"
#include "core/run/tell.hpp"
#include "core/schedule/overdue.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// What was found of the run before stays in its note.
awaitable<void> tell_overdue(Journal& journal, EventBus& bus, RunName run, std::string why) {
    const auto row = co_await find_run(journal, run.id);
    if (!row) co_return;
    RunNoted noted;
    noted.run = run.id;
    noted.note = row->note.empty() ? why : row->note + "; " + why;
    Record record = std::move(noted);
    const auto verdict = co_await journal.record(std::move(record));
    if (!verdict || *verdict != Verdict::recorded) co_return; // it has ended, or the ledger is full: the log says so
    logs::run.warn({run.id, run.job}, "it is {}", why);
    co_await tell_run(journal, bus, run.id, "run.overdue");
}

} // namespace

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
    co_await tell_overdue(journal, bus, run, overdue->why);
}

awaitable<void> watch_start(Journal& journal, EventBus& bus, const Clock& clock, RunName run, Expect expect, StopToken ended) {
    auto row = co_await find_run(journal, run.id);
    if (!row) co_return;
    const auto late = start_of(expect, *row);
    if (!late) co_return;
    if (row->started < late->at) {
        const auto wait = late->at - clock.now();
        const bool passed = co_await pause_for(wait, ended);
        if (!passed) co_return;
        row = co_await find_run(journal, run.id);
        if (!row || has_begun(*row)) co_return;
    }
    co_await tell_overdue(journal, bus, run, late->why);
}

} // namespace loom
