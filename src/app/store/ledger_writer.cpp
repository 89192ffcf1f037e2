#include "app/store/ledger_writer.hpp"

#include "app/store/ledger_rows.hpp"
#include "core/base/digest.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"

#include <boost/json/serialize.hpp>
#include <cassert>
#include <unistd.h>

namespace loom {

Result<std::vector<Verdict>> LedgerWriter::commit(std::span<const Record> batch) {
    auto turn = FileLock::wait(paths_.write_lock);
    if (!turn)
        return turn.error();
    failpoint("commit.turn");
    open_runs_.clear();
    outputs_.begin();
    newest_output_ = {};
    std::vector<Verdict> verdicts;
    verdicts.reserve(batch.size());
    Transaction transaction(database_, Transaction::Kind::write);
    for (const auto& record : batch)
        verdicts.push_back(std::visit([this](const auto& each) { return apply(each); }, record));
    failpoint("commit.applied");
    // The text first: a committed row never names bytes that a power cut can take away.
    if (auto synced = outputs_.sync(); !synced)
        database_.fail(synced.error());
    failpoint("commit.synced");
    auto done = transaction.commit(std::move(verdicts));
    failpoint("commit.done");
    settle_locks(done.has_value());
    return done;
}

/// Locks are taken before the row can be seen and let go after the end can be seen: a run is never mistaken for dead.
void LedgerWriter::settle_locks(bool committed) {
    if (committed) {
        locks_.merge(new_locks_);
        for (const auto& id : ended_) {
            locks_.erase(id);
            ::unlink(paths_.run_lock(id).c_str()); // also that of an orphan, whose process is gone
            failpoint("commit.unlocked");
        }
    }
    for (const auto& [id, lock] : new_locks_)
        lock.remove();
    new_locks_.clear();
    ended_.clear();
}

void LedgerWriter::take_lock(const std::string& id) {
    if (database_.failed())
        return;
    auto lock = FileLock::try_take(paths_.run_lock(id));
    failpoint("commit.lock");
    if (lock)
        new_locks_.emplace(id, std::move(*lock));
    else
        database_.fail(lock.error());
}

LedgerWriter::OpenRun& LedgerWriter::open_run(const std::string& id) {
    const auto [entry, is_new] = open_runs_.try_emplace(id);
    if (is_new) {
        auto rows =
            database_.query("SELECT key, target_count FROM runs WHERE id = ? AND state IN ('waiting', 'running')", id);
        if (rows.next())
            entry->second = {rows.integer(0), static_cast<std::size_t>(rows.integer(1)), true};
    }
    return entry->second;
}

Verdict LedgerWriter::apply(const RunCreated& record) {
    const auto& run = record.run;
    const auto stands = [&] {
        return database_
            .query("SELECT 1 FROM runs WHERE id = ?1 UNION ALL SELECT 1 FROM runs WHERE job = ?2 AND claim = ?3",
                   run.id, run.job, run.claim)
            .next();
    };
    settle(run.job, run.upstream);
    if (stands() || asked_before(record) || (record.ends && apply(*record.ends) == Verdict::duplicate))
        return Verdict::duplicate;
    const auto in_flight = [&] {
        return database_.query("SELECT 1 FROM runs WHERE job = ? AND state IN ('waiting', 'running')", run.job).next();
    };
    if (record.exclusive && in_flight())
        return Verdict::overlaps;
    const auto key = insert_run(run);
    note_asked(record);
    const bool open = !terminal(run.state);
    if (open)
        take_lock(run.id);
    open_runs_[run.id] = {key, run.targets.size(), open};
    if (!open)
        owe(key, run.job, record.followers);
    return Verdict::recorded;
}

/// Whether the request or the delivery that makes it has made a run before.
bool LedgerWriter::asked_before(const RunCreated& record) {
    const auto now = record.run.started;
    if (!record.request_key.empty()) {
        database_.execute("DELETE FROM requests WHERE at_ms < ?", now - limits::requests_kept);
        if (database_.query("SELECT 1 FROM requests WHERE key = ?", record.request_key).next())
            return true;
    }
    if (!record.delivery)
        return false;
    database_.execute("DELETE FROM deliveries WHERE at_ms <= ?", now - limits::delivery_kept);
    return database_.query("SELECT 1 FROM deliveries WHERE hook = ? AND id = ?", record.delivery->hook, record.delivery->id).next();
}

void LedgerWriter::note_asked(const RunCreated& record) {
    const auto& run = record.run;
    if (!record.request_key.empty())
        database_.execute("INSERT INTO requests (key, digest, run, at_ms) VALUES (?, ?, ?, ?)", record.request_key, record.request_digest, run.id,
                          run.started);
    if (record.delivery)
        database_.execute("INSERT INTO deliveries (hook, id, run, at_ms) VALUES (?, ?, ?, ?)", record.delivery->hook, record.delivery->id, run.id,
                          run.started);
}

std::int64_t LedgerWriter::insert_run(const Run& run) {
    std::optional<std::string> counts;
    if (terminal(run.state)) {
        Counts all{};
        all[static_cast<std::size_t>(open_state(true, false))] = static_cast<std::uint32_t>(run.targets.size());
        counts = pack_counts(all);
    }
    const auto targets = frozen({"SELECT key FROM targets WHERE hash = ?", "INSERT INTO targets (hash, names) VALUES (?, ?)"},
                                join_targets(run.targets));
    std::optional<std::int64_t> spec;
    if (!run.spec.empty())
        spec = frozen({"SELECT key FROM specs WHERE hash = ?", "INSERT INTO specs (hash, text) VALUES (?, ?)"}, run.spec);
    database_.execute(
        "INSERT INTO runs (id, job, due_ms, reason, caller, state, started_ms, finished_ms, message, task,"
        " catalog, targets, target_count, counts, retry_of, spec, claim, upstream, note, trace, params)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        run.id, run.job, run.due, to_string(run.reason), run.by, to_string(run.state), run.started, run.finished,
        run.message, run.task, run.catalog, targets, run.targets.size(), counts, run.of, spec, run.claim,
        join_ids(run.upstream), run.note, run.trace, run.params.empty() ? std::string() : boost::json::serialize(run.params));
    return database_.last_key();
}

/// These jobs are to follow the run, which has ended now.
void LedgerWriter::owe(std::int64_t run, const std::string& job, const std::vector<std::string>& followers) {
    for (const auto& follower : followers)
        database_.execute("INSERT OR REPLACE INTO upstreams (follower, job, run) VALUES (?, ?, ?)", follower, job, run);
}

/// The job has followed these runs.
void LedgerWriter::settle(const std::string& follower, const std::vector<std::string>& runs) {
    for (const auto& run : runs)
        database_.execute("DELETE FROM upstreams WHERE follower = ? AND run = (SELECT key FROM runs WHERE id = ?)", follower,
                          run);
}

std::int64_t LedgerWriter::frozen(const SharedTexts& table, const std::string& text) {
    const auto hash = sha256_hex(text);
    if (auto rows = database_.query(table.find, hash); rows.next())
        return rows.integer(0);
    database_.execute(table.add, hash, text);
    return database_.last_key();
}

Verdict LedgerWriter::apply(const RunBegan& record) {
    std::int64_t key = 0;
    std::string job;
    {
        auto rows = database_.query("SELECT key, job FROM runs WHERE id = ? AND state = 'waiting'", record.run);
        if (!rows.next())
            return Verdict::duplicate;
        key = rows.integer(0);
        job = rows.text(1);
    }
    const auto behind = [&] {
        return database_
            .query("SELECT 1 FROM runs WHERE job = ? AND state IN ('waiting', 'running') AND (state = 'running' OR key < ?)",
                   job, key)
            .next();
    };
    if (behind())
        return Verdict::overlaps;
    database_.execute("UPDATE runs SET state = 'running', started_ms = ?, message = '' WHERE key = ?", record.at, key);
    return Verdict::recorded;
}

Verdict LedgerWriter::apply(const NodesStarted& record) {
    const auto& run = open_run(record.run);
    if (!run.open)
        return Verdict::duplicate;
    database_.execute("INSERT INTO starts (run, at_ms, indices) VALUES (?, ?, ?)", run.key, record.at,
                      Blob{pack_indices(record.indices)});
    return Verdict::recorded;
}

Verdict LedgerWriter::apply(const NodeFinished& record) {
    const auto& result = record.result;
    const auto& outcome = result.outcome;
    assert(terminal(outcome.state));
    const auto& run = open_run(record.run);
    if (!run.open || result.index >= run.targets)
        return Verdict::duplicate;
    const auto out = stored_output(outcome.out.text);
    const auto err = stored_output(outcome.err.text);
    const auto added = database_.execute(
        "INSERT INTO nodes (run, place, state, cause, phase, exit_status, exit_signal, message, survivors, attempts,"
        " started_ms, finished_ms, out, out_dropped, err, err_dropped)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        run.key, result.index, to_string(outcome.state), to_string(outcome.cause), to_string(outcome.phase),
        outcome.exit_status, outcome.exit_signal, outcome.message, outcome.survivors, result.attempts, result.started,
        result.finished, out, outcome.out.dropped_bytes, err, outcome.err.dropped_bytes);
    return added == 1 ? Verdict::recorded : Verdict::duplicate;
}

/// The key of this text; equal text has one. Empty text is not stored.
std::optional<std::int64_t> LedgerWriter::stored_output(const std::string& text) {
    if (text.empty() || database_.failed())
        return std::nullopt;
    // Nodes often answer alike: a digest and a look-up less, which took 13 thousand instructions.
    if (text != newest_output_.text)
        newest_output_ = {text, output_key(text)};
    return newest_output_.key;
}

std::optional<std::int64_t> LedgerWriter::output_key(const std::string& text) {
    const auto hash = sha256_hex(text);
    if (auto rows = database_.query("SELECT key FROM outputs WHERE hash = ?", hash); rows.next())
        return rows.integer(0);
    const auto place = outputs_.put(hash, text);
    if (!place) {
        database_.fail(place.error());
        return std::nullopt;
    }
    database_.execute("INSERT INTO outputs (hash, bytes, segment, start) VALUES (?, ?, ?, ?)", hash, text.size(),
                      place->segment, place->start);
    return database_.last_key();
}

/// The nodes that are still open need no rows: that the run has ended says what they are (see `open_state`).
Verdict LedgerWriter::apply(const RunFinished& record) {
    auto& open = open_run(record.run);
    if (!open.open)
        return Verdict::duplicate;
    open.open = false;
    RunRow run;
    run.key = open.key;
    run.target_count = open.targets;
    const auto counts = pack_counts(count_nodes(database_, run, true));
    database_.execute("UPDATE runs SET state = ?, finished_ms = ?, message = ?, counts = ? WHERE key = ?",
                      to_string(record.state), record.at, record.message, counts, open.key);
    if (!record.followers.empty()) {
        std::string job;
        if (auto rows = database_.query("SELECT job FROM runs WHERE key = ?", open.key); rows.next())
            job = rows.text(0);
        owe(open.key, job, record.followers);
    }
    ended_.push_back(record.run);
    return Verdict::recorded;
}

Verdict LedgerWriter::apply(const RunNoted& record) {
    const auto changed = database_.execute("UPDATE runs SET note = ? WHERE id = ? AND state IN ('waiting', 'running')",
                                           record.note, record.run);
    return changed == 1 ? Verdict::recorded : Verdict::duplicate;
}

/// The same text again changes nothing: misses while Loom was down still count.
Verdict LedgerWriter::apply(const ScheduleSeen& record) {
    database_.execute("INSERT INTO schedules (job, text, since_ms) VALUES (?, ?, ?) ON CONFLICT (job) DO UPDATE"
                      " SET text = excluded.text, since_ms = excluded.since_ms, started = 0 WHERE text <> excluded.text",
                      record.job, record.text, record.at);
    return Verdict::recorded;
}

Verdict LedgerWriter::apply(const JobPaused& record) {
    const auto& pause = record.pause;
    const auto changed = database_.execute(
        "UPDATE pauses SET until_ms = ?2, reason = ?3, caller = ?4"
        " WHERE job = ?1 AND resumed_ms IS NULL AND (until_ms IS NULL OR until_ms > ?5)",
        pause.job, pause.until, pause.reason, pause.by, pause.since);
    if (changed == 0)
        database_.execute("INSERT INTO pauses (job, since_ms, until_ms, reason, caller) VALUES (?, ?, ?, ?, ?)", pause.job,
                          pause.since, pause.until, pause.reason, pause.by);
    database_.execute("DELETE FROM pauses WHERE job = ?1 AND key NOT IN"
                      " (SELECT key FROM pauses WHERE job = ?1 ORDER BY key DESC LIMIT ?2)",
                      pause.job, limits::pauses_kept + 1);
    return Verdict::recorded;
}

Verdict LedgerWriter::apply(const JobResumed& record) {
    const auto ended = database_.execute("UPDATE pauses SET resumed_ms = ?2 WHERE job = ?1 AND resumed_ms IS NULL"
                                         " AND (until_ms IS NULL OR until_ms > ?2)",
                                         record.job, record.at);
    return ended > 0 ? Verdict::recorded : Verdict::duplicate;
}

} // namespace loom
