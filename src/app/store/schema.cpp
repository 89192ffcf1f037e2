#include "app/store/schema.hpp"

#include "app/store/repack.hpp"
#include "core/base/failpoint.hpp"

#include <filesystem>
#include <iterator>

namespace loom {
namespace {

// Instants are milliseconds of UTC; states, causes and phases are the words people read, not the places of enumerators.
// A node without a terminal result is open: its state follows from whether it was started and whether its run has ended.
constexpr const char* migrations[] = {R"sql(
CREATE TABLE targets (
    key INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    names TEXT NOT NULL          -- in order, a line each
);
CREATE TABLE runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,           -- empty for exec
    due_ms INTEGER,
    reason TEXT NOT NULL,
    caller TEXT NOT NULL,
    state TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    finished_ms INTEGER,
    message TEXT NOT NULL,
    task TEXT NOT NULL,
    catalog TEXT NOT NULL,
    targets INTEGER NOT NULL REFERENCES targets (key),
    target_count INTEGER NOT NULL,
    counts TEXT                  -- {"ok": 790}, once it has ended
);
CREATE UNIQUE INDEX runs_due ON runs (job, due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX runs_job ON runs (job, id);
CREATE INDEX runs_running ON runs (job) WHERE state = 'running';
CREATE TABLE starts (
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    at_ms INTEGER NOT NULL,
    indices BLOB NOT NULL        -- a dial batch: 32-bit little-endian places in the targets
);
CREATE INDEX starts_run ON starts (run);
CREATE TABLE outputs (
    key INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    segment INTEGER,             -- null: a file of its own
    start INTEGER NOT NULL
);
CREATE TABLE nodes (
    run INTEGER NOT NULL REFERENCES runs (key),
    place INTEGER NOT NULL,      -- in the targets
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    phase TEXT NOT NULL,
    exit_status INTEGER,
    exit_signal TEXT NOT NULL,
    message TEXT NOT NULL,
    survivors TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    started_ms INTEGER,
    finished_ms INTEGER,
    out INTEGER REFERENCES outputs (key),
    out_dropped INTEGER NOT NULL,
    err INTEGER REFERENCES outputs (key),
    err_dropped INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE TABLE schedules (
    job TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    since_ms INTEGER NOT NULL
) WITHOUT ROWID;
)sql",
                                      R"sql(
ALTER TABLE runs ADD COLUMN retry_of TEXT NOT NULL DEFAULT ''; -- the id of the run that this one repeats
ALTER TABLE runs ADD COLUMN spec TEXT NOT NULL DEFAULT '';     -- JSON: what a retry repeats
)sql",
                                      R"sql(
CREATE TABLE specs (
    key INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,   -- the run's id, for those of schema 2
    text TEXT NOT NULL           -- JSON: what a retry repeats
);
INSERT INTO specs SELECT key, id, spec FROM runs WHERE spec <> '';
ALTER TABLE runs DROP COLUMN spec;
ALTER TABLE runs ADD COLUMN spec INTEGER REFERENCES specs (key);
UPDATE runs SET spec = key WHERE key IN (SELECT key FROM specs);
CREATE INDEX runs_state ON runs (state, id);
)sql",
                                      R"sql(
ALTER TABLE runs ADD COLUMN claim TEXT; -- what only one run of its job may have; null: it claims nothing
UPDATE runs SET claim = due_ms WHERE due_ms IS NOT NULL;
DROP INDEX runs_due;
CREATE UNIQUE INDEX runs_claim ON runs (job, claim) WHERE claim IS NOT NULL;
CREATE INDEX runs_due ON runs (job, due_ms) WHERE due_ms IS NOT NULL;
DROP INDEX runs_running;
CREATE INDEX runs_open ON runs (job) WHERE state IN ('waiting', 'running');
ALTER TABLE runs ADD COLUMN upstream TEXT NOT NULL DEFAULT ''; -- ids of the runs that this one follows, between blanks
CREATE TABLE upstreams (
    follower TEXT NOT NULL,      -- the job that is to follow the run, and has not yet
    job TEXT NOT NULL,           -- the run's: only its newest ended run waits to be followed
    run INTEGER NOT NULL REFERENCES runs (key),
    PRIMARY KEY (follower, job)
) WITHOUT ROWID;
ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT ''; -- what was found of it while it went on
CREATE TABLE pauses (
    key INTEGER PRIMARY KEY,
    job TEXT NOT NULL,           -- empty: every job
    since_ms INTEGER NOT NULL,
    until_ms INTEGER,            -- it ends by itself
    resumed_ms INTEGER,          -- somebody has ended it
    reason TEXT NOT NULL,
    caller TEXT NOT NULL
);
CREATE INDEX pauses_job ON pauses (job, since_ms);
ALTER TABLE schedules ADD COLUMN started INTEGER NOT NULL DEFAULT 0; -- runs since `since_ms`, whatever has been pruned
CREATE TRIGGER runs_started AFTER INSERT ON runs
WHEN NEW.due_ms IS NOT NULL AND NEW.reason IN ('cron', 'catch_up') AND NEW.state NOT IN ('skipped', 'missed')
BEGIN
    UPDATE schedules SET started = started + 1 WHERE job = NEW.job;
END;
)sql",
                                      R"sql(
CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,   -- SHA-256 of the token, which is nowhere
    scope TEXT NOT NULL,
    jobs TEXT NOT NULL,          -- JSON: patterns; []: every job
    nodes TEXT NOT NULL,         -- a NodeSet; empty: every node
    caller TEXT NOT NULL,        -- who made it
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    used_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE requests (
    key TEXT PRIMARY KEY,        -- of a request that has started a run, with whose it is
    digest TEXT NOT NULL,        -- what it asked for
    run TEXT NOT NULL,           -- the run's id
    at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX requests_at ON requests (at_ms);
CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of the commits, and never used again
    run INTEGER NOT NULL,
    state TEXT NOT NULL,
    noted INTEGER NOT NULL DEFAULT 0          -- 1: of the same state, something was found of it
);
CREATE INDEX changes_run ON changes (run);
CREATE TRIGGER changes_begin AFTER INSERT ON runs BEGIN
    INSERT INTO changes (run, state) VALUES (NEW.key, NEW.state);
END;
CREATE TRIGGER changes_next AFTER UPDATE OF state ON runs WHEN NEW.state <> OLD.state BEGIN
    INSERT INTO changes (run, state) VALUES (NEW.key, NEW.state);
END;
CREATE TRIGGER changes_noted AFTER UPDATE OF note ON runs WHEN NEW.note <> OLD.note AND NEW.note <> '' BEGIN
    INSERT INTO changes (run, state, noted) VALUES (NEW.key, NEW.state, 1);
END;
CREATE TRIGGER changes_gone AFTER DELETE ON runs BEGIN
    DELETE FROM changes WHERE run = OLD.key;
END;
ALTER TABLE runs ADD COLUMN trace TEXT NOT NULL DEFAULT '';  -- W3C traceparent of what asked for it
ALTER TABLE runs ADD COLUMN params TEXT NOT NULL DEFAULT ''; -- JSON: what a webhook gave; empty: nothing
CREATE TABLE deliveries (
    hook TEXT NOT NULL,
    id TEXT NOT NULL,            -- as the sender names it
    run TEXT NOT NULL,           -- the id of the run that it made, whose row may be gone
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (hook, id)
) WITHOUT ROWID;
CREATE INDEX deliveries_at ON deliveries (at_ms);
CREATE TABLE changes_told (      -- a row where somebody is to be told of changes
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL      -- of the last change that was looked at for that
);
CREATE TABLE outbox (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL,            -- of the message
    rule TEXT NOT NULL,
    event TEXT NOT NULL,         -- a CloudEvent, JSON
    created_ms INTEGER NOT NULL,
    next_ms INTEGER NOT NULL,    -- when it is tried
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    dead INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX outbox_next ON outbox (dead, next_ms);
)sql",
                                      R"sql(
CREATE TABLE progress (
    key INTEGER PRIMARY KEY,     -- run << 24 | number, the numbers in the order of the commits: one page takes what comes
    run INTEGER NOT NULL REFERENCES runs (key),
    hash TEXT NOT NULL,          -- SHA-256 of body and texts
    body TEXT NOT NULL,          -- JSON: the nodes that were started and those that have ended, see progress.hpp
    texts BLOB NOT NULL          -- of their outputs, one behind the other; a large one has a file
);
CREATE TABLE files (             -- of large texts
    key INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL
);
CREATE TABLE file_uses (
    run INTEGER NOT NULL REFERENCES runs (key),
    file INTEGER NOT NULL REFERENCES files (key),
    PRIMARY KEY (run, file)
) WITHOUT ROWID;
CREATE INDEX file_uses_file ON file_uses (file);
ALTER TABLE runs ADD COLUMN text_bytes INTEGER NOT NULL DEFAULT 0; -- in its rows of `progress`, once it has ended
)sql"};

/// What SQL cannot say of a step: called within its transaction, after its script.
void migrate_contents(Database& database, std::int64_t version, const std::string& outputs) {
    if (version != 6)
        return;
    repack_nodes(database, outputs);
    database.script("DROP TABLE nodes; DROP TABLE starts; DROP TABLE outputs;");
}

constexpr std::int64_t newest = std::size(migrations);

std::int64_t version(Database& database) {
    auto rows = database.query("PRAGMA user_version");
    return rows.next() ? rows.integer(0) : 0;
}

Error newer_version(const Database& database, std::int64_t found) {
    return {Errc::unavailable, database.path() + ": written by a newer loom (schema " + std::to_string(found) +
                                   ", this one knows " + std::to_string(newest) + "): use that one"};
}

} // namespace

Result<void> migrate(Database& database, const std::string& outputs) {
    database.take_failure();
    auto have = version(database);
    if (auto failure = database.take_failure())
        return *failure;
    if (have > newest)
        return newer_version(database, have);
    for (; have < newest; ++have) {
        Transaction transaction(database, Transaction::Kind::write);
        database.script(migrations[have]);
        migrate_contents(database, have + 1, outputs);
        database.script(("PRAGMA user_version = " + std::to_string(have + 1)).c_str());
        failpoint("migrate.scripted");
        if (auto done = transaction.commit(); !done)
            return done.error();
        failpoint("migrate.committed");
    }
    return {};
}

Result<SchemaAge> schema_age(Database& database, const std::string& outputs) {
    database.take_failure();
    const auto found = version(database);
    std::error_code error;
    if (!database.failed() && found == 0 && !std::filesystem::is_empty(outputs, error) && !error)
        database.fail_damaged("it is empty, and " + outputs + " is not");
    if (auto failure = database.take_failure())
        return *failure;
    if (found > newest)
        return newer_version(database, found);
    return found == 0 ? SchemaAge::none : found < newest ? SchemaAge::older : SchemaAge::current;
}

} // namespace loom
