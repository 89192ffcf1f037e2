#include "core/base/limits.hpp"
#include "stores.hpp"

// What every RunStore promises of pauses and of the runs that a schedule has started.

using namespace loom;
using namespace loom::contract;
using namespace loom::records;

namespace {

Pause pause(std::string job, long long since, std::string reason = "the disk is full") {
    Pause made;
    made.job = std::move(job);
    made.since = at(since);
    made.reason = std::move(reason);
    made.by = "user:anna";
    return made;
}

} // namespace

STORE_TEST("a pause is kept until it ends, and after") {
    TestType made;
    auto& store = *made.store;
    CHECK(store.pauses().value().empty());
    CHECK(put(store, JobPaused{pause("backup", 10)}) == Verdict::recorded);
    CHECK(put(store, JobPaused{pause("", 5)}) == Verdict::recorded);
    CHECK(store.pauses().value() == std::vector{pause("", 5), pause("backup", 10)});

    CHECK(put(store, JobResumed{"backup", at(20)}) == Verdict::recorded);
    CHECK(put(store, JobResumed{"backup", at(21)}) == Verdict::duplicate);
    CHECK(put(store, JobResumed{"other", at(21)}) == Verdict::duplicate);
    auto over = pause("backup", 10);
    over.resumed = at(20);
    CHECK(store.pauses().value() == std::vector{pause("", 5), over});
}

STORE_TEST("who pauses what is paused changes it, and its beginning stays") {
    TestType made;
    auto& store = *made.store;
    put(store, JobPaused{pause("backup", 10)});
    auto longer = pause("backup", 12, "the new disk is late");
    longer.until = at(50);
    longer.by = "user:bob";
    put(store, JobPaused{longer});
    auto changed = longer;
    changed.since = at(10);
    CHECK(store.pauses().value() == std::vector{changed});

    // It has ended by itself: this one is new.
    CHECK(put(store, JobResumed{"backup", at(60)}) == Verdict::duplicate);
    put(store, JobPaused{pause("backup", 60)});
    CHECK(store.pauses().value() == std::vector{changed, pause("backup", 60)});
}

STORE_TEST("of the pauses that are over the newest are kept") {
    TestType made;
    auto& store = *made.store;
    put(store, JobPaused{pause("other", 0)});
    for (int i = 0; i < 30; ++i) {
        put(store, JobPaused{pause("backup", 10 * i)});
        put(store, JobResumed{"backup", at(10 * i + 5)});
    }
    const auto pauses = store.pauses().value();
    CHECK(pauses.size() == limits::pauses_kept + 2);
    CHECK(pauses.front().job == "other");
    CHECK(pauses.back().since == at(290));
}

STORE_TEST("the runs that a schedule started are counted since its text was seen") {
    TestType made;
    auto& store = *made.store;
    const auto add = [&](std::string id, Reason reason, RunState state, std::optional<long long> due) {
        auto run = make_run(std::move(id));
        run.reason = reason;
        run.state = state;
        if (state != RunState::running) run.finished = at(1);
        if (due) run.due = at(*due);
        CHECK(put(store, created(run)) == Verdict::recorded);
    };
    put(store, ScheduleSeen{"backup", "0 1 * * *", at(-100)});
    add("018c-0001", Reason::cron, RunState::running, 10);
    add("018c-0002", Reason::catch_up, RunState::running, 20);
    add("018c-0003", Reason::cron, RunState::skipped, 30);
    add("018c-0004", Reason::cron, RunState::missed, 40);
    add("018c-0005", Reason::manual, RunState::running, std::nullopt);
    CHECK(store.facts().value()["backup"].started == 2);
    put(store, ScheduleSeen{"backup", "0 1 * * *", at(50)});
    CHECK(store.facts().value()["backup"].started == 2);
    put(store, ScheduleSeen{"backup", "0 2 * * *", at(60)});
    CHECK(store.facts().value()["backup"].started == 0);
}
