#include "app/store/sqlite_store.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/memory_store.hpp"
#include "support/store_records.hpp"

// What every RunStore promises of a run that takes the place of another.

using namespace loom;
using namespace loom::records;

namespace {

struct Sqlite {
    tests::Folder folder;
    std::unique_ptr<RunStore> store = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
};

struct Memory {
    std::unique_ptr<RunStore> store = std::make_unique<MemoryStore>();
};

RunCreated instead_of(const std::string& lost, const std::string& id, bool exclusive = false) {
    auto run = make_run(id, "backup", {"web2", "web3"});
    run.reason = Reason::rerun;
    run.of = lost;
    auto record = created(std::move(run), exclusive);
    record.ends.emplace();
    record.ends->run = lost;
    record.ends->state = RunState::interrupted;
    record.ends->at = at(20);
    return record;
}

} // namespace

TEMPLATE_TEST_CASE("a run store: a run takes the place of a lost one once, in the commit that ends it", "[store]", Sqlite, Memory) {
    TestType made;
    auto& store = *made.store;
    put(store, created("018c-aaaa"));
    put(store, NodesStarted{"018c-aaaa", {0, 1}, at(1)});
    put(store, finished("018c-aaaa", 0));

    CHECK(put(store, instead_of("018c-aaaa", "018c-bbbb", true)) == Verdict::recorded);
    const auto lost = store.run("018c-aaaa").value();
    CHECK(lost.state == RunState::interrupted);
    CHECK(lost.finished == at(20));
    CHECK(lost.counts[static_cast<std::size_t>(NodeState::ok)] == 1);
    CHECK(lost.counts[static_cast<std::size_t>(NodeState::interrupted)] == 1);
    CHECK(lost.counts[static_cast<std::size_t>(NodeState::not_started)] == 1);
    const auto again = store.run("018c-bbbb").value();
    CHECK(again.state == RunState::running);
    CHECK(again.reason == Reason::rerun);
    CHECK(again.of == "018c-aaaa");

    // Another process came to the same conclusion, a little later.
    CHECK(put(store, instead_of("018c-aaaa", "018c-cccc")) == Verdict::duplicate);
    CHECK(store.run("018c-cccc").error().code == Errc::not_found);
    CHECK(store.run("018c-bbbb").value().state == RunState::running);
}

TEMPLATE_TEST_CASE("a run store: a lost run ends although another one holds its job", "[store]", Sqlite, Memory) {
    TestType made;
    auto& store = *made.store;
    put(store, created("018c-aaaa"));
    put(store, created("018c-bbbb"));
    CHECK(put(store, instead_of("018c-aaaa", "018c-cccc", true)) == Verdict::overlaps);
    CHECK(store.run("018c-aaaa").value().state == RunState::interrupted);
    CHECK(store.run("018c-cccc").error().code == Errc::not_found);
}
