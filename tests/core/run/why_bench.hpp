#pragma once
#include "core/run/why.hpp"
#include "support/catch.hpp"
#include "support/memory_store.hpp"

namespace loom::tests {

inline Instant at(std::string_view text) { return parse_instant(text).value(); }

/// What `why` is asked about: a catalog of jobs, the ledger, and the present.
struct WhyBench {
    MemoryStore store;
    std::shared_ptr<Catalog> catalog = std::make_shared<Catalog>();
    Instant now = at("2026-11-28 09:00");
    bool serving = true;
    std::set<std::string> refusing;

    Job& job(std::string name, std::string_view schedule = "", std::string_view zone = "Europe/Berlin") {
        Job job;
        job.name = std::move(name);
        job.targets->nodes = {"a", "b"};
        if (!schedule.empty()) {
            job.schedule.emplace();
            job.schedule->text = schedule;
            job.schedule->cron = parse_cron(schedule, job.name).value();
            job.schedule->zone = find_zone(zone).value();
        }
        catalog->jobs.push_back(job);
        return catalog->jobs.back();
    }
    void put(Record record) { REQUIRE(store.commit(std::vector<Record>{std::move(record)}).has_value()); }
    /// From then on the schedule counts.
    void seen(const std::string& job, std::string text, Instant since) { put(ScheduleSeen{job, std::move(text), since}); }
    Run row(std::string id, std::string job, Instant due, Instant started) {
        Run run;
        run.id = std::move(id);
        run.job = std::move(job);
        run.due = due;
        run.claim = claim_of(due);
        run.reason = Reason::cron;
        run.by = "schedule";
        run.started = started;
        run.targets = {"a", "b"};
        run.target_count = 2;
        return run;
    }
    void created(Run run) {
        if (run.state != RunState::running) {
            run.finished = run.started;
            run.targets.clear();
            run.target_count = 0;
        }
        RunCreated record;
        record.run = std::move(run);
        put(std::move(record));
    }
    /// An instant that was not run, decided when it was due.
    void skipped(std::string id, std::string job, Instant due, std::string message) {
        auto run = row(std::move(id), std::move(job), due, due);
        run.state = RunState::skipped;
        run.message = std::move(message);
        created(std::move(run));
    }
    void node_ended(const std::string& run, std::uint32_t index, NodeState state, Cause cause = Cause::none) {
        NodeFinished record;
        record.run = run;
        record.result.index = index;
        record.result.outcome.state = state;
        record.result.outcome.cause = cause;
        put(std::move(record));
    }
    void ended(const std::string& run, RunState state, Instant when, std::string message = {}) {
        RunFinished record;
        record.run = run;
        record.state = state;
        record.at = when;
        record.message = std::move(message);
        put(std::move(record));
    }
    Result<WhyView> ask(std::string subject, std::string when = {}) {
        WhyQuery query;
        query.subject = std::move(subject);
        query.at = std::move(when);
        return answer_why(store, catalog, query, now, {serving, refusing});
    }
};

using Sentences = std::vector<std::string>;

} // namespace loom::tests
