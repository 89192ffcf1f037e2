#include "app/store/check_ledger.hpp"
#include "app/store/locks.hpp"
#include "app/store/sqlite.hpp"
#include "app/store/sqlite_store.hpp"
#include "core/base/digest.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/store_records.hpp"

// Ledgers of older versions: tests/fixtures/ledger-N holds what the code of schema N left behind as it died, as SQL text, up to
// schema 5 with its segment of outputs. A new version adds its own (see the end of this file) and touches no other.

using namespace loom;
using namespace loom::records;
namespace fs = std::filesystem;

namespace {

std::string id(int number) { return "018bcfe5-6800-7000-8000-00000000000" + std::to_string(number); }

std::string fixture(std::int64_t version) { return LOOM_SOURCE_DIR "/tests/fixtures/ledger-" + std::to_string(version); }

std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::int64_t version_of(const std::string& state) {
    const auto database = Database::open(state + "/loom.db", Database::Mode::read_only).value();
    auto rows = database->query("PRAGMA user_version");
    REQUIRE(rows.next());
    return rows.integer(0);
}

std::int64_t newest() {
    const tests::Folder folder;
    open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    return version_of(folder.path("state"));
}

/// A state folder as that version left it.
void restore(const std::string& state, std::int64_t version) {
    fs::create_directories(state + "/outputs");
    if (version < 6) fs::copy(fixture(version) + "/segment-000001", state + "/outputs/segment-000001");
    const auto database = Database::open(state + "/loom.db", Database::Mode::read_write).value();
    database->script(slurp(fixture(version) + "/loom.sql").c_str());
    REQUIRE_FALSE(database->failed());
}

/// What each version wrote with the same words.
void check_runs(RunStore& store, std::int64_t version) {
    const auto all = store.runs({}).value();
    REQUIRE(all.size() == 4);
    const auto first = store.run(id(1)).value();
    CHECK(first.job == "backup");
    CHECK(first.due == at(0));
    CHECK(first.claim == claim_of(at(0)));
    CHECK(first.reason == Reason::cron);
    CHECK(first.by == "schedule");
    CHECK(first.state == RunState::failed);
    CHECK(first.finished == at(2));
    CHECK(first.message == "stop_when: 1 of 3 nodes failed (>0)");
    CHECK(first.target_count == 3);
    CHECK(sum(first) == 3);
    const auto nodes = store.results(id(1)).value();
    REQUIRE(nodes.size() == 3);
    CHECK(nodes[0].outcome.state == NodeState::ok);
    CHECK(nodes[1].outcome.state == NodeState::failed);
    CHECK(nodes[1].outcome.exit_status == 2);
    CHECK(nodes[2].outcome.state == NodeState::not_started);
    CHECK(output(store, id(1), "web1") == "hello\n");
    CHECK(output(store, id(1), "web2") == "no\n");

    const auto second = store.run(id(2)).value();
    CHECK(second.reason == (version == 1 ? Reason::exec : Reason::retry));
    CHECK_FALSE(second.claim);
    CHECK(second.of == (version == 1 ? "" : id(1)));
    CHECK(store.spec(id(2)).value() == (version == 1 ? "" : R"({"task":{"name":"fabric.api.run","args":["uptime"]}})"));
    CHECK(store.result(id(2), "10.0.0.9").value().outcome.cause == Cause::refused);
    CHECK(store.run(id(3)).value().state == RunState::skipped);
    CHECK(store.run(id(4)).value().state == RunState::running);
    CHECK(store.orphans().value() == std::vector{id(4)});
    const auto facts = store.facts().value();
    CHECK(facts.at("backup").schedule_text == "0 1 * * *");
    CHECK(facts.at("backup").last_due == at(60));
}

} // namespace

TEST_CASE("a ledger of each version that there ever was is brought up to date with its runs", "[store]") {
    const auto newest_version = newest();
    for (std::int64_t version = 1; version <= newest_version; ++version) {
        for (const auto mode : {StoreMode::read_write, StoreMode::read_only}) { // whoever asks first
            INFO("schema " << version);
            const tests::Folder folder;
            const auto state = folder.path("state");
            restore(state, version);
            REQUIRE(version_of(state) == version);
            const auto store = open_sqlite_store(state, mode).value();
            check_runs(*store, version);
            CHECK(version_of(state) == newest_version);
            CHECK_FALSE(fs::exists(state + "/outputs/segment-000001"));

            // And the next runs find their place beside the old ones.
            const auto writer = open_sqlite_store(state, StoreMode::read_write).value();
            auto again = make_run("018bcfe5-6800-7000-8000-000000000005");
            again.due = at(0);
            again.claim = claim_of(at(0));
            CHECK(put(*writer, created(again)) == Verdict::duplicate); // the first one's instant
            again.claim.reset();
            again.of = id(1);
            CHECK(put(*writer, created(again, true)) == Verdict::overlaps); // the fourth one's job
            put(*writer, RunFinished{id(4), RunState::interrupted, at(99), "died"});
            put(*writer, created(again, true));
            CHECK(store->run(id(4)).value().counts[static_cast<std::size_t>(NodeState::interrupted)] == 1);
            CHECK(store->run(again.id).value().of == id(1));
        }
    }
}

TEST_CASE("a ledger whose older program is still at work is not brought up to date under its hands", "[store]") {
    const tests::Folder folder;
    const auto state = folder.path("state");
    restore(state, 5);
    fs::create_directories(state + "/runs");
    const auto at_work = FileLock::wait(state + "/runs/" + id(4) + ".lock").value();
    const auto opened = open_sqlite_store(state, StoreMode::read_write);
    REQUIRE(opened.has_error());
    CHECK(opened.error().message.find("written by an older loom that is still at work on run " + id(4)) != std::string::npos);
    CHECK(version_of(state) == 5);
}

TEST_CASE("an older ledger's outputs come along, the large and those that are damaged", "[store]") {
    const tests::Folder folder;
    const auto state = folder.path("state");
    restore(state, 5);
    const std::string large(100'000, 'l');
    const auto hash = sha256_hex(large);
    folder.write("state/outputs/" + hash.substr(0, 2) + "/" + hash, large);
    {
        const auto database = Database::open(state + "/loom.db", Database::Mode::read_write).value();
        database->execute("INSERT INTO outputs (key, hash, bytes, segment, start) VALUES (7, ?, ?, NULL, 0)", hash, large.size());
        database->execute("INSERT INTO outputs (key, hash, bytes, segment, start) VALUES (8, 'gone', 5, 9, 0)");
        database->execute("UPDATE nodes SET out = 7, err = 8 WHERE run = 1 AND place = 0");
        REQUIRE_FALSE(database->failed());
    }
    const auto store = open_sqlite_store(state, StoreMode::read_write).value();
    const auto outcome = store->result(id(1), "web1").value().outcome;
    CHECK(outcome.out.text == large);
    CHECK(outcome.err == Output{"", 5});
    CHECK(output(*store, id(1), "web2") == "no\n");
    CHECK(check_ledger(state).value().fault_count == 0);
}

TEST_CASE("an older ledger's text that is not what was written counts as dropped", "[store]") {
    const tests::Folder folder;
    const auto state = folder.path("state");
    restore(state, 5);
    auto texts = slurp(state + "/outputs/segment-000001");
    texts.replace(texts.find("hello"), 5, "HELLO");
    folder.write("state/outputs/segment-000001", texts);
    const auto store = open_sqlite_store(state, StoreMode::read_write).value();
    CHECK(store->result(id(1), "web1").value().outcome.out == Output{"", 6});
    CHECK(output(*store, id(1), "web2") == "no\n");
}

TEST_CASE("an older ledger whose texts cannot be read right now stays as it is", "[store]") {
    const tests::Folder folder;
    const auto state = folder.path("state");
    restore(state, 5);
    fs::rename(state + "/outputs/segment-000001", state + "/segment");
    fs::create_directory(state + "/outputs/segment-000001"); // as unreadable as it gets for root
    const auto refused = open_sqlite_store(state, StoreMode::read_write);
    REQUIRE(refused.has_error());
    CHECK(refused.error().message.find("segment-000001: cannot ") != std::string::npos);
    CHECK(version_of(state) == 5);
    fs::remove(state + "/outputs/segment-000001");
    fs::rename(state + "/segment", state + "/outputs/segment-000001");
    CHECK(output(*open_sqlite_store(state, StoreMode::read_write).value(), id(1), "web1") == "hello\n");
}

TEST_CASE("equal specs of runs are kept once, also beside those of schema 2", "[store]") {
    const tests::Folder folder;
    restore(folder.path("state"), 2);
    auto writer = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    for (const auto* name : {"018c-cccc", "018c-dddd"}) {
        auto run = make_run(name, "other");
        run.spec = R"({"task": {"input": "the same"}})";
        put(*writer, created(run));
    }
    CHECK(writer->spec("018c-dddd").value() == R"({"task": {"input": "the same"}})");
    const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_only).value();
    auto rows = database->query("SELECT count(*) FROM specs");
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

// A change of the schema adds the fixture of its version: app_tests "[.fixture]" writes it, and it never changes again.

namespace {

void write_runs(RunStore& store) {
    auto first = make_run(id(1));
    first.due = at(0);
    first.claim = claim_of(at(0));
    first.reason = Reason::cron;
    first.by = "schedule";
    put(store, ScheduleSeen{"backup", "0 1 * * *", at(-100)});
    put(store, created(first));
    put(store, NodesStarted{first.id, {0, 1}, at(1)});
    put(store, finished(first.id, 0, "hello\n"));
    put(store, finished(first.id, 1, NodeState::failed, "no\n"));
    put(store, RunFinished{first.id, RunState::failed, at(2), "stop_when: 1 of 3 nodes failed (>0)"});
    auto second = make_run(id(2), "", {"web2", "10.0.0.9"});
    second.reason = Reason::retry;
    second.started = at(3);
    second.of = first.id;
    second.spec = R"({"task":{"name":"fabric.api.run","args":["uptime"]}})";
    put(store, created(second));
    put(store, NodesStarted{second.id, {0, 1}, at(3)});
    auto unreachable = finished(second.id, 1, NodeState::unreachable);
    unreachable.result.outcome.cause = Cause::refused;
    unreachable.result.outcome.phase = Phase::connect;
    unreachable.result.outcome.exit_status.reset();
    put(store, {finished(second.id, 0, "hello\n"), unreachable});
    put(store, RunFinished{second.id, RunState::failed, at(4), ""});
    auto third = make_run(id(3));
    third.due = at(60);
    third.claim = claim_of(at(60));
    third.reason = Reason::cron;
    third.by = "schedule";
    third.state = RunState::skipped;
    third.started = at(60);
    third.finished = at(60);
    third.message = "the job's run before has not ended (overlap: skip)";
    put(store, created(third));
    auto fourth = make_run(id(4));
    fourth.started = at(70);
    put(store, created(fourth));
    put(store, NodesStarted{fourth.id, {0, 1}, at(70)});
    put(store, finished(fourth.id, 0, "hello\n"));
}

std::vector<std::string> column(Database& database, const std::string& sql) {
    std::vector<std::string> found;
    for (auto rows = database.query(sql); rows.next();) found.push_back(rows.text(0));
    return found;
}

/// The database as statements that make it anew.
std::string dump(Database& database, std::int64_t version) {
    std::string text;
    for (const auto& sql : column(database, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'")) text += sql + ";\n";
    for (const auto& table : column(database, "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'")) {
        std::string values;
        for (const auto& name : column(database, "SELECT name FROM pragma_table_info('" + table + "')"))
            values += (values.empty() ? "quote(\"" : " || ',' || quote(\"") + name + "\")";
        for (const auto& row : column(database, "SELECT " + values + " FROM " + table)) text += "INSERT INTO " + table + " VALUES (" + row + ");\n";
    }
    for (const auto& sql : column(database, "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL")) text += sql + ";\n";
    return text + "PRAGMA user_version = " + std::to_string(version) + ";\n";
}

} // namespace

TEST_CASE("the fixture of this version's ledger is written", "[.fixture]") {
    const tests::Folder folder;
    const auto state = folder.path("state");
    write_runs(*open_sqlite_store(state, StoreMode::read_write).value());
    const auto version = version_of(state);
    REQUIRE_FALSE(fs::exists(fixture(version)));
    fs::create_directories(fixture(version));
    const auto database = Database::open(state + "/loom.db", Database::Mode::read_only).value();
    std::ofstream(fixture(version) + "/loom.sql", std::ios::binary) << dump(*database, version);
    CHECK_FALSE(database->failed());
}
