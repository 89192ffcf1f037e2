#include "app/store/sqlite.hpp"
#include "app/store/sqlite_store.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
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

/// What version 2 added, and a run of it.
constexpr const char* schema_2 = R"sql(
ALTER TABLE runs ADD COLUMN retry_of TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN spec TEXT NOT NULL DEFAULT '';
INSERT INTO runs VALUES (2, '018c-bbbb', '', NULL, 'exec', 'user:anna', 'ok', 1700000000000, 1700000001000,
                         '', 'id', 'c0ffee', 1, 2, '{"ok": 2}', '', '{"task": {}}');
PRAGMA user_version = 2;
)sql";

/// What version 3 made of that, and a run of it that holds an instant.
constexpr const char* schema_3 = R"sql(
CREATE TABLE specs (
    key INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL
);
INSERT INTO specs SELECT key, id, spec FROM runs WHERE spec <> '';
ALTER TABLE runs DROP COLUMN spec;
ALTER TABLE runs ADD COLUMN spec INTEGER REFERENCES specs (key);
UPDATE runs SET spec = key WHERE key IN (SELECT key FROM specs);
CREATE INDEX runs_state ON runs (state, id);
INSERT INTO runs VALUES (3, '018c-cccc', 'backup', 1700000060000, 'cron', 'schedule', 'ok', 1700000060000, 1700000061000,
                         '', 'uptime', 'c0ffee', 1, 2, '{"ok": 2}', '', NULL);
PRAGMA user_version = 3;
)sql";

} // namespace

TEST_CASE("a ledger of schema 3 keeps the instants that its runs have taken", "[store]") {
    const tests::Folder folder;
    std::filesystem::create_directory(folder.path("state"));
    {
        const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_write).value();
        for (const auto* script : {schema_1, rows_1, schema_2, schema_3}) database->script(script);
        REQUIRE_FALSE(database->failed());
    }
    auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    CHECK(store->run("018c-cccc").value().claim == claim_of(at(60)));
    CHECK_FALSE(store->run("018c-aaaa").value().claim);
    CHECK(store->facts().value().at("backup").last_due == at(60));
    auto again = make_run("018c-dddd");
    again.claim = claim_of(at(60));
    CHECK(put(*store, created(again)) == Verdict::duplicate);
}

TEST_CASE("a ledger of schema 1 is brought up to date with its rows", "[store]") {
    const tests::Folder folder;
    std::filesystem::create_directory(folder.path("state"));
    {
        const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_write).value();
        database->script(schema_1);
        database->script(rows_1);
        REQUIRE_FALSE(database->failed());
    }
    auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    const auto old = store->run("018c-aaaa").value();
    CHECK(old.message == "why");
    CHECK(old.of.empty());
    CHECK(store->spec("018c-aaaa").value().empty());
    CHECK(old.target_count == 2);
    CHECK(store->results("018c-aaaa").value().at(1).node == "web2");
    CHECK(store->results("018c-aaaa").value().at(1).outcome.state == NodeState::failed);

    auto again = make_run("018c-bbbb");
    again.reason = Reason::retry;
    again.of = old.id;
    put(*store, created(again));
    CHECK(store->runs({}).value().front().of == old.id);
    CHECK(open_sqlite_store(folder.path("state"), StoreMode::read_only).value()->runs({}).value().size() == 2);
}

TEST_CASE("a ledger of schema 2 keeps what its runs were told, whoever asks first", "[store]") {
    const auto mode = GENERATE(StoreMode::read_only, StoreMode::read_write);
    const tests::Folder folder;
    std::filesystem::create_directory(folder.path("state"));
    {
        const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_write).value();
        for (const auto* script : {schema_1, rows_1, schema_2}) database->script(script);
        REQUIRE_FALSE(database->failed());
    }
    auto store = open_sqlite_store(folder.path("state"), mode).value();
    CHECK(store->spec("018c-aaaa").value().empty());
    CHECK(store->spec("018c-bbbb").value() == R"({"task": {}})");
    CHECK(store->run("018c-bbbb").value().task == "id");
    RunFilter failed;
    failed.state = RunState::failed;
    CHECK(store->runs(failed).value().size() == 1);

    auto writer = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    for (const auto* id : {"018c-cccc", "018c-dddd"}) {
        auto run = make_run(id);
        run.spec = R"({"task": {"input": "the same"}})";
        put(*writer, created(run));
    }
    CHECK(writer->spec("018c-dddd").value() == R"({"task": {"input": "the same"}})");
    const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_only).value();
    auto rows = database->query("SELECT count(*) FROM specs"); // equal ones once
    REQUIRE(rows.next());
    CHECK(rows.integer(0) == 2);
}

TEST_CASE("opening a ledger for reading looks at nothing until it is asked", "[store]") {
    const tests::Folder folder;
    std::filesystem::create_directory(folder.path("state"));
    {
        const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_write).value();
        database->script("PRAGMA user_version = 999;");
    }
    auto store = open_sqlite_store(folder.path("state"), StoreMode::read_only);
    REQUIRE(store.has_value());
    const auto asked = (*store)->orphans();
    REQUIRE(asked.has_error());
    CHECK(asked.error().message.find("written by a newer loom (schema 999") != std::string::npos);
}
