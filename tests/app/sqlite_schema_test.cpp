#include "app/store/sqlite.hpp"
#include "app/store/sqlite_store.hpp"
#include "support/catch.hpp"
#include "support/state_folder.hpp"
#include "support/store_records.hpp"

// A database as an older version left it: its schema is a copy that no later change touches.

using namespace loom;
using namespace loom::records;

namespace {

constexpr const char* schema_1 = R"sql(
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
)sql";

constexpr const char* rows_1 = R"sql(
INSERT INTO targets VALUES (1, 'h', 'web1' || char(10) || 'web2' || char(10));
INSERT INTO runs VALUES (1, '018c-aaaa', 'backup', NULL, 'manual', 'user:anna', 'failed', 1700000000000, 1700000001000,
                         'why', 'uptime', 'c0ffee', 1, 2, '{"ok": 1, "failed": 1}');
INSERT INTO nodes VALUES (1, 0, 'ok', '', 'command', 0, '', '', '', 1, NULL, 1700000001000, NULL, 0, NULL, 0);
INSERT INTO nodes VALUES (1, 1, 'failed', '', 'command', 2, '', '', '', 1, NULL, 1700000001000, NULL, 0, NULL, 0);
PRAGMA user_version = 1;
)sql";

} // namespace

TEST_CASE("a ledger of schema 1 is brought up to date with its rows", "[store]") {
    const StateFolder folder;
    std::filesystem::create_directory(folder.path());
    {
        const auto database = Database::open(folder.path() + "/loom.db", Database::Mode::read_write).value();
        database->script(schema_1);
        database->script(rows_1);
        REQUIRE_FALSE(database->failed());
    }
    const auto refused = open_sqlite_store(folder.path(), StoreMode::read_only);
    REQUIRE(refused.has_error());
    CHECK(refused.error().message.find("written by an older loom (schema 1") != std::string::npos);

    auto store = open_sqlite_store(folder.path(), StoreMode::read_write).value();
    const auto old = store->run("018c-aaaa").value();
    CHECK(old.message == "why");
    CHECK(old.of.empty());
    CHECK(old.spec.empty());
    CHECK(old.target_count == 2);
    CHECK(old.targets == std::vector<std::string>{"web1", "web2"});
    CHECK(store->results("018c-aaaa").value().at(1).outcome.state == NodeState::failed);

    auto again = make_run("018c-bbbb");
    again.reason = Reason::retry;
    again.of = old.id;
    put(*store, created(again));
    CHECK(store->runs({}).value().front().of == old.id);
    CHECK(open_sqlite_store(folder.path(), StoreMode::read_only).value()->runs({}).value().size() == 2);
}
