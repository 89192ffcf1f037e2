#include "app/store/sqlite_outbox.hpp"
#include "stores.hpp"
#include "support/memory_outbox.hpp"

// What every Outbox promises.

using namespace loom;
using namespace loom::contract;
using namespace loom::records;

namespace {

struct SqliteBox {
    Sqlite ledger;
    std::unique_ptr<Outbox> outbox = open_sqlite_outbox(ledger.folder.path("state")).value();
    void end(const std::string& run) {
        put(*ledger.store, created(run));
        RunFinished finished;
        finished.run = run;
        finished.state = RunState::failed;
        finished.at = at(10);
        put(*ledger.store, finished);
    }
    void note(const std::string& run) {
        put(*ledger.store, created(run));
        put(*ledger.store, RunNoted{run, "overdue"});
    }
};

struct MemoryBox {
    std::unique_ptr<MemoryOutbox> outbox = std::make_unique<MemoryOutbox>();
    void end(const std::string& run) { outbox->change(run); }
    void note(const std::string& run) { outbox->change(run, true); }
};

OutboxEntry entry(std::string id, Instant next = at(0)) {
    OutboxEntry made;
    made.id = std::move(id);
    made.rule = "ops";
    made.event = R"({"id": "x"})";
    made.created = at(0);
    made.next = next;
    return made;
}

std::vector<std::string> ids(const std::vector<OutboxEntry>& entries) {
    std::vector<std::string> found;
    for (const auto& one : entries) found.push_back(one.id);
    return found;
}

} // namespace

#define OUTBOX_TEST(title) TEMPLATE_TEST_CASE("an outbox: " title, "[store]", SqliteBox, MemoryBox)

OUTBOX_TEST("changes of runs are kept from when they are wanted until they were looked at") {
    TestType box;
    auto& outbox = *box.outbox;
    box.end("018c-aaaa");
    CHECK(outbox.changes(10).value().empty());
    REQUIRE(outbox.want(true).has_value());
    box.end("018c-bbbb");
    box.note("018c-cccc");
    const auto changes = outbox.changes(10).value();
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].run == "018c-bbbb");
    CHECK_FALSE(changes[0].noted);
    CHECK(changes[1].run == "018c-cccc");
    CHECK(changes[1].noted);
    CHECK(outbox.changes(1).value().size() == 1);
    REQUIRE(outbox.decide({changes[0]}, {}).has_value());
    CHECK(outbox.changes(10).value().at(0).run == "018c-cccc");
    REQUIRE(outbox.want(false).has_value());
    CHECK(outbox.changes(10).value().empty());
    box.end("018c-dddd");
    CHECK(outbox.changes(10).value().empty());
}

OUTBOX_TEST("what waits is told in the order in which it is due, and goes when it was") {
    TestType box;
    auto& outbox = *box.outbox;
    REQUIRE(outbox.decide({}, {entry("b", at(20)), entry("a", at(10)), entry("c", at(30))}).has_value());
    CHECK(outbox.next_due().value() == at(10));
    CHECK(ids(outbox.due(at(20), 10).value()) == std::vector<std::string>{"a", "b"});
    CHECK(ids(outbox.due(at(20), 1).value()) == std::vector<std::string>{"a"});
    const auto first = outbox.due(at(10), 1).value().at(0);
    CHECK(first.rule == "ops");
    CHECK(first.event == R"({"id": "x"})");
    CHECK(first.created == at(0));
    REQUIRE(outbox.sent(first.key).has_value());
    CHECK(ids(outbox.due(at(40), 10).value()) == std::vector<std::string>{"b", "c"});
    CHECK(outbox.counts()->waiting == 2);
}

OUTBOX_TEST("what was not told is tried again later, or given up and kept") {
    TestType box;
    auto& outbox = *box.outbox;
    REQUIRE(outbox.decide({}, {entry("a"), entry("b")}).has_value());
    const auto due = outbox.due(at(0), 10).value();
    REQUIRE(outbox.failed(due[0].key, at(50), "refused").has_value());
    REQUIRE(outbox.failed(due[1].key, std::nullopt, "gone").has_value());
    CHECK(outbox.due(at(49), 10).value().empty());
    const auto again = outbox.due(at(50), 10).value().at(0);
    CHECK(again.attempts == 1);
    CHECK(again.error == "refused");
    const auto all = outbox.entries(10).value();
    CHECK(ids(all) == std::vector<std::string>{"a", "b"});
    CHECK(all[1].dead);
    CHECK(all[1].error == "gone");
    CHECK(outbox.counts()->dead == 1);
    CHECK(outbox.next_due().value() == at(50));
}

OUTBOX_TEST("nothing in it grows without end") {
    TestType box;
    auto& outbox = *box.outbox;
    const std::vector<OutboxEntry> many(limits::outbox_entries, entry("x"));
    REQUIRE(outbox.decide({}, many).has_value());
    REQUIRE(outbox.decide({}, {entry("y"), entry("z")}).has_value());
    CHECK(outbox.counts()->waiting == limits::outbox_entries);
    CHECK(outbox.counts()->dead == 2);
    REQUIRE(outbox.decide({}, many).has_value());
    CHECK(outbox.counts()->waiting == limits::outbox_entries);
    CHECK(outbox.counts()->dead == limits::outbox_dead);
}
