#include "app/store/ledger_reader.hpp"

#include "core/base/limits.hpp"

// What the next decision about jobs needs to know of their runs.

namespace loom {

Result<std::map<std::string, JobFacts>> LedgerReader::facts() {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::map<std::string, JobFacts> facts;
    {
        // Steps from job to job through the index: the runs in between are not read.
        auto rows = database_.query("WITH RECURSIVE names (job) AS (SELECT min(job) FROM runs WHERE job > '' UNION ALL"
                                    " SELECT (SELECT min(job) FROM runs WHERE job > names.job) FROM names"
                                    " WHERE job IS NOT NULL) SELECT job FROM names WHERE job IS NOT NULL");
        while (rows.next())
            facts[rows.text(0)];
    }
    for (auto& [job, fact] : facts)
        last_run(job, fact);
    auto rows = database_.query("SELECT job, text, since_ms, started FROM schedules");
    while (rows.next()) {
        auto& fact = facts[rows.text(0)];
        fact.schedule_text = rows.text(1);
        fact.since = rows.instant(2);
        fact.started = static_cast<std::uint32_t>(rows.integer(3));
    }
    return snapshot.commit(std::move(facts));
}

Result<std::vector<Pause>> LedgerReader::pauses() {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::vector<Pause> pauses;
    {
        auto rows = database_.query("SELECT job, since_ms, until_ms, resumed_ms, reason, caller FROM pauses ORDER BY since_ms, key");
        while (rows.next())
            pauses.push_back({rows.text(0), rows.instant(1), rows.maybe_instant(2), rows.maybe_instant(3), rows.text(4), rows.text(5)});
    }
    return snapshot.commit(std::move(pauses));
}

void LedgerReader::last_run(const std::string& job, JobFacts& facts) {
    auto due = database_.query("SELECT due_ms FROM runs WHERE job = ? AND due_ms IS NOT NULL AND claim IS NOT NULL"
                               " ORDER BY due_ms DESC LIMIT 1",
                               job);
    if (due.next())
        facts.last_due = due.maybe_instant(0);
    auto last =
        database_.query("SELECT id, state, started_ms FROM runs WHERE job = ? AND state NOT IN ('skipped', 'missed')"
                        " AND reason <> 'node_catch_up' ORDER BY id DESC LIMIT 1",
                        job);
    if (!last.next())
        return;
    facts.last_run = last.text(0);
    facts.last_state = parse_run_state(last.text(1));
    facts.last_started = last.instant(2);
}

Result<std::vector<InFlight>> LedgerReader::in_flight(const std::string& job) {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::vector<InFlight> runs;
    {
        auto rows = database_.query(
            "SELECT id, state = 'waiting' FROM runs WHERE job = ? AND state IN ('waiting', 'running') ORDER BY key", job);
        while (rows.next())
            runs.push_back({rows.text(0), rows.integer(1) != 0 ? RunState::waiting : RunState::running});
    }
    return snapshot.commit(std::move(runs));
}

Result<std::vector<Upstream>> LedgerReader::upstreams() {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::vector<Upstream> list;
    {
        auto rows = database_.query("SELECT upstreams.follower, runs.id, upstreams.job, runs.state, runs.finished_ms"
                                    " FROM upstreams JOIN runs ON runs.key = upstreams.run ORDER BY upstreams.follower");
        while (rows.next())
            list.push_back({rows.text(0), rows.text(1), rows.text(2), read_state(database_, rows.text(3)), rows.instant(4)});
    }
    return snapshot.commit(std::move(list));
}

Result<std::vector<DueRun>> LedgerReader::due_runs(const std::string& job, Instant from, Instant to) {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::vector<DueRun> list;
    {
        auto rows = database_.query("SELECT due_ms, id, state, reason FROM runs WHERE job = ? AND due_ms IS NOT NULL"
                                    " AND due_ms >= ? AND due_ms < ? ORDER BY due_ms, id",
                                    job, from, to);
        while (rows.next())
            list.push_back({rows.instant(0), rows.text(1), read_state(database_, rows.text(2)),
                            parse_reason(rows.text(3)).value_or(Reason::manual)});
    }
    return snapshot.commit(std::move(list));
}

Result<LeftOut> LedgerReader::left_out(const std::string& job, Instant since) {
    Transaction snapshot(database_, Transaction::Kind::read);
    LeftOut newest;
    bool ended = false;
    {
        auto rows = database_.query("SELECT id, due_ms, finished_ms IS NOT NULL FROM runs WHERE job = ? AND due_ms >= ?"
                                    " AND reason IN ('cron', 'catch_up') AND state NOT IN ('skipped', 'missed')"
                                    " ORDER BY due_ms DESC LIMIT 1",
                                    job, since);
        if (rows.next()) {
            newest.run = rows.text(0);
            newest.due = rows.instant(1);
            ended = rows.integer(2) != 0;
        }
    }
    if (ended) {
        const auto nodes = left_out_since(job, newest);
        newest.nodes.assign(nodes.begin(), nodes.end());
    }
    return snapshot.commit(std::move(newest));
}

std::set<std::string> LedgerReader::left_out_since(const std::string& job, const LeftOut& newest) {
    const auto nodes_of = [&](const std::string& id) {
        const auto run = find_run(database_, id); // none where the database fails meanwhile, which the commit tells
        return run ? nodes(*run) : std::vector<StoredResult>();
    };
    std::set<std::string> left_out;
    for (const auto& row : nodes_of(newest.run))
        if (may_return(row.result.outcome.state, row.result.outcome.cause))
            left_out.insert(row.result.node);
    if (left_out.empty())
        return left_out;
    // By their place in the table, which no clock sets back, as it may the ids.
    const auto own = claim_of(newest.due, "");
    std::vector<std::string> later;
    {
        auto rows = database_.query("SELECT id, claim FROM runs WHERE job = ? AND key > (SELECT key FROM runs WHERE id = ?)"
                                    " AND state NOT IN ('skipped', 'missed')",
                                    job, newest.run);
        while (rows.next()) {
            if (const auto claim = rows.text(1); claim.starts_with(own))
                left_out.erase(claim.substr(own.size()));
            else
                later.push_back(rows.text(0));
        }
    }
    for (const auto& id : later)
        for (const auto& row : nodes_of(id))
            if (was_reached(row.result.outcome.state))
                left_out.erase(row.result.node);
    return left_out;
}

Result<std::vector<Milliseconds>> LedgerReader::durations(const std::string& job, std::size_t most) {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::vector<Milliseconds> list;
    {
        auto rows = database_.query("SELECT finished_ms - started_ms FROM runs WHERE job = ? AND state = 'ok'"
                                    " AND finished_ms IS NOT NULL ORDER BY id DESC LIMIT ?",
                                    job, most);
        while (rows.next())
            list.emplace_back(rows.integer(0));
    }
    return snapshot.commit(std::move(list));
}

Result<std::optional<std::string>> LedgerReader::delivered(const Delivery& delivery, Instant now) {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::optional<std::string> run;
    {
        auto rows = database_.query("SELECT run FROM deliveries WHERE hook = ? AND id = ? AND at_ms > ?", delivery.hook, delivery.id,
                                    now - limits::delivery_kept);
        if (rows.next())
            run = rows.text(0);
    }
    return snapshot.commit(std::move(run));
}

Result<std::vector<std::string>> LedgerReader::orphans() {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::vector<std::string> orphans;
    {
        auto rows = database_.query("SELECT id FROM runs WHERE state IN ('waiting', 'running') ORDER BY id");
        while (rows.next())
            if (auto id = rows.text(0); !FileLock::held(paths_.run_lock(id)))
                orphans.push_back(std::move(id));
    }
    return snapshot.commit(std::move(orphans));
}

} // namespace loom
