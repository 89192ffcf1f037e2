#include "app/store/change_log.hpp"
#include "app/store/sqlite.hpp"
#include "app/store/token_store.hpp"
#include "stores.hpp"
#include "support/memory_tokens.hpp"

// What every TokenStore promises, and what the ledger tells of its runs' changes.

using namespace loom;
using namespace loom::contract;
using namespace loom::records;

namespace {

struct SqliteTokenStore {
    tests::Folder folder;
    std::unique_ptr<RunStore> ledger = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    std::unique_ptr<TokenStore> store = open_token_store(folder.path("state"), StoreMode::read_write);
};

struct MemoryTokenStore {
    std::unique_ptr<TokenStore> store = std::make_unique<MemoryTokens>();
};

Token token(std::string name, long long created, std::string hash) {
    Token made;
    made.name = std::move(name);
    made.hash = std::move(hash);
    made.grant.scope = AccessScope::operate;
    made.grant.jobs = {"web-*", "a \"b\", c"};
    made.grant.nodes = "web[1-3]";
    made.by = "user:anna";
    made.created = at(created);
    return made;
}

} // namespace

TEMPLATE_TEST_CASE("a token store: a token is kept whole, and its name is taken while it lives", "[store]", SqliteTokenStore, MemoryTokenStore) {
    TestType made;
    auto& store = *made.store;
    CHECK(store.tokens().value().empty());
    auto ci = token("ci", 10, "aa");
    ci.expires = at(100);
    REQUIRE(store.add(ci).has_value());
    REQUIRE(store.add(token("backup", 10, "bb")).has_value());
    CHECK(store.tokens().value() == std::vector{token("backup", 10, "bb"), ci});
    CHECK(code(store.add(token("ci", 20, "cc"))) == Errc::conflict);
    CHECK(store.add(token("ci", 100, "cc")).has_value()); // the first has expired
    CHECK(store.tokens().value().back().hash == "cc");
}

TEMPLATE_TEST_CASE("a token store: a token that is revoked is dead, and its use is noted", "[store]", SqliteTokenStore, MemoryTokenStore) {
    TestType made;
    auto& store = *made.store;
    REQUIRE(store.add(token("ci", 10, "aa")).has_value());
    REQUIRE(store.note_use("aa", at(15)).has_value());
    REQUIRE(store.note_use("nothing", at(15)).has_value());
    const auto revoked = store.revoke("ci", at(20)).value();
    CHECK(revoked.revoked == at(20));
    CHECK(revoked.used == at(15));
    CHECK_FALSE(revoked.live(at(20)));
    CHECK(store.tokens().value() == std::vector{revoked});
    CHECK(code(store.revoke("ci", at(21))) == Errc::not_found);
    CHECK(code(store.revoke("other", at(21))) == Errc::not_found);
    CHECK(store.add(token("ci", 30, "bb")).has_value());
}

TEST_CASE("a ledger that is not there has no tokens, and gets none by reading", "[store]") {
    const tests::Folder folder;
    const auto store = open_token_store(folder.path("state"), StoreMode::read_only);
    CHECK(store->tokens().value().empty());
    CHECK(code(store->add(token("ci", 10, "aa"))) == Errc::unavailable);
}

STORE_TEST("a request that came before is known by its key, for a while") {
    TestType made;
    auto& store = *made.store;
    CHECK_FALSE(store.requested("k").value());
    auto one = created(make_run("018c-0001"));
    one.request_key = "k";
    one.request_digest = "d";
    one.run.started = at(0);
    CHECK(put(store, one) == Verdict::recorded);
    CHECK(store.requested("k").value()->run == "018c-0001");
    CHECK(store.requested("k").value()->digest == "d");
    auto again = created(make_run("018c-0002"));
    again.request_key = "k";
    again.run.started = at(1);
    CHECK(put(store, again) == Verdict::duplicate);
    CHECK(code(store.run("018c-0002")) == Errc::not_found);
    // A day later the key is new.
    again.run.started = at(2) + limits::requests_kept;
    CHECK(put(store, again) == Verdict::recorded);
    CHECK(store.requested("k").value()->run == "018c-0002");
}

STORE_TEST("a request that started nothing may come again with its key") {
    TestType made;
    auto& store = *made.store;
    put(store, created(make_run("018c-0001")));
    auto second = created(make_run("018c-0002"));
    second.exclusive = true;
    second.request_key = "k";
    CHECK(put(store, second) == Verdict::overlaps);
    CHECK_FALSE(store.requested("k").value());
    second.exclusive = false;
    second.run.state = RunState::waiting;
    CHECK(put(store, second) == Verdict::recorded);
    CHECK(store.requested("k").value()->run == "018c-0002");
}

TEST_CASE("each change of a run's state has a number, in the order of the commits", "[store]") {
    const tests::Folder folder;
    const auto ledger = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    const auto log = open_change_log(folder.path("state"));
    CHECK(log->after(0, 10).value().items.empty());
    auto waits = make_run("018c-0002");
    waits.state = RunState::waiting;
    put(*ledger, created(make_run("018c-0001")));
    put(*ledger, created(waits));
    put(*ledger, NodesStarted{"018c-0001", {0}, at(1)});
    put(*ledger, RunFinished{"018c-0001", RunState::failed, at(2), "why"});
    put(*ledger, RunBegan{"018c-0002", at(3)});
    auto page = log->after(0, 10).value();
    CHECK_FALSE(page.lost);
    CHECK(page.newest == 4);
    std::string told;
    for (const auto& change : page.items) told += fmt::format("{} {} {}\n", change.number, change.run.id, to_string(change.state));
    CHECK(told == "1 018c-0001 running\n2 018c-0002 waiting\n3 018c-0001 failed\n4 018c-0002 running\n");
    CHECK(count(page.items[2].run, NodeState::interrupted) == 1);
    CHECK(page.items[0].run.state == RunState::failed); // as it is now
    page = log->after(2, 1).value();
    CHECK(page.items.size() == 1);
    CHECK(page.items[0].number == 3);
    CHECK(log->after(4, 10).value().items.empty());
    CHECK_FALSE(log->after(4, 10).value().lost);

    // What is pruned is a hole, and its numbers never come again.
    const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_write).value();
    database->execute("DELETE FROM progress");
    database->execute("DELETE FROM runs");
    CHECK(log->after(0, 10).value().lost);
    CHECK(log->after(0, 10).value().newest == 4);
    CHECK_FALSE(log->after(4, 10).value().lost);
    put(*ledger, created(make_run("018c-0003")));
    CHECK(log->after(4, 10).value().items.at(0).number == 5);
}
