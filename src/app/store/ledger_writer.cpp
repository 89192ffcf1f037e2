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
    auto turn = write_turns_.wait();
    if (!turn)
        return turn.error();
    failpoint("commit.turn");
    ++batch_;
    std::vector<Verdict> verdicts;
    verdicts.reserve(batch.size());
    Transaction transaction(database_, Transaction::Kind::write);
    for (const auto& record : batch)
        verdicts.push_back(std::visit([this](const auto& each) { return apply(each); }, record));
    failpoint("commit.applied");
    for (auto& [id, run] : open_runs_)
        run.progress.write(database_);
    failpoint("commit.written");
    auto done = transaction.commit(std::move(verdicts));
    failpoint("commit.done");
    // What is known of a run whose nodes are at work saves the look at all of its rows; nobody else adds any.
    std::erase_if(open_runs_, [&](const auto& entry) { return !done || !entry.second.open || entry.second.progress.number == 0; });
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
    auto& run = open_runs_[id];
    if (run.batch != batch_)
        look_up(id, run);
    return run;
}

/// Another process may have ended the run, or have recorded of its nodes.
void LedgerWriter::look_up(const std::string& id, OpenRun& run) {
    run.batch = batch_;
    run.open = false;
    {
        auto rows = database_.query("SELECT key, target_count FROM runs WHERE id = ? AND state IN ('waiting', 'running')", id);
        if (!rows.next())
            return;
        run.key = rows.integer(0);
        run.targets = static_cast<std::size_t>(rows.integer(1));
        if (run.targets > limits::nodeset_nodes)
            return database_.fail_damaged("a run of " + std::to_string(run.targets) + " targets");
        run.open = true;
    }
    const auto first = progress_key(run.key, 0), last = last_progress_key(run.key);
    std::int64_t number = 0;
    if (auto rows = database_.query("SELECT max(key) FROM progress WHERE key BETWEEN ? AND ?", first, last); rows.next() && !rows.null(0))
        number = progress_number(rows.integer(0));
    if (number != 0 && number == run.progress.number)
        return;
    run.progress = {};
    run.progress.run = run.key;
    run.progress.number = number;
    run.nodes = number == 0 ? NodeTally(run.targets) : tally_nodes(database_, run.key, run.targets);
    if (auto rows = database_.query("SELECT coalesce(sum(length(texts)), 0) FROM progress WHERE key BETWEEN ? AND ?", first, last); rows.next())
        run.progress.text_bytes = static_cast<std::uint64_t>(rows.integer(0));
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
    auto& added = open_runs_[run.id];
    added = {};
    added.key = key;
    added.targets = run.targets.size();
    added.open = open;
    added.batch = batch_;
    added.nodes = NodeTally(run.targets.size());
    added.progress.run = key;
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
    auto& run = open_run(record.run);
    if (!run.open)
        return Verdict::duplicate;
    run.nodes.start(record.indices);
    run.progress.row.add(record.at, record.indices);
    return Verdict::recorded;
}

Verdict LedgerWriter::apply(const NodeFinished& record) {
    const auto& result = record.result;
    assert(terminal(result.outcome.state));
    auto& run = open_run(record.run);
    if (!run.open || !run.nodes.end(result.index, result.outcome.state))
        return Verdict::duplicate;
    const auto out = stored_output(run, result.outcome.out.text);
    const auto err = stored_output(run, result.outcome.err.text);
    run.progress.row.add(result, out, err);
    run.progress.write_if_full(database_);
    return Verdict::recorded;
}

/// Where this text lies. Empty text is not stored.
std::optional<StoredText> LedgerWriter::stored_output(OpenRun& run, std::string_view text) {
    if (text.empty() || database_.failed())
        return std::nullopt;
    if (text.size() <= limits::output_inline_bytes)
        return run.progress.row.keep(text);
    return stored_file(run, text);
}

/// A large text has a file, equal text one.
std::optional<StoredText> LedgerWriter::stored_file(const OpenRun& run, std::string_view text) {
    StoredText stored;
    stored.file = sha256_hex(text);
    stored.bytes = text.size();
    const auto known = [&] { return database_.query("SELECT 1 FROM files WHERE hash = ?", stored.file).next(); };
    const bool is_known = known();
    // One that somebody has removed or cut short comes back with its text.
    if (!is_known || !outputs_.has(stored.file, stored.bytes)) {
        // The text first: a committed row never names bytes that a power cut can take away.
        if (const auto written = outputs_.write(stored.file, text); !written) {
            database_.fail(written.error());
            return std::nullopt;
        }
        if (!is_known)
            database_.execute("INSERT INTO files (hash, bytes) VALUES (?, ?)", stored.file, text.size());
    }
    database_.execute("INSERT OR IGNORE INTO file_uses (run, file) SELECT ?, key FROM files WHERE hash = ?", run.key, stored.file);
    return stored;
}

/// The nodes that are still open need no results: that the run has ended says what they are (see `open_state`).
Verdict LedgerWriter::apply(const RunFinished& record) {
    auto& run = open_run(record.run);
    if (!run.open)
        return Verdict::duplicate;
    run.progress.write(database_);
    run.open = false;
    database_.execute("UPDATE runs SET state = ?, finished_ms = ?, message = ?, counts = ?, text_bytes = ? WHERE key = ?",
                      to_string(record.state), record.at, record.message, pack_counts(run.nodes.counts(true)), run.progress.text_bytes, run.key);
    if (!record.followers.empty()) {
        std::string job;
        if (auto rows = database_.query("SELECT job FROM runs WHERE key = ?", run.key); rows.next())
            job = rows.text(0);
        owe(run.key, job, record.followers);
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
