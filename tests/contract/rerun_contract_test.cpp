#include "stores.hpp"

// What every RunStore promises of a run that takes the place of another.

using namespace loom;
using namespace loom::contract;
using namespace loom::records;

namespace {

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

STORE_TEST("a run takes the place of a lost one once, in the commit that ends it") {
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

STORE_TEST("a lost run ends although another one holds its job") {
    TestType made;
    auto& store = *made.store;
    put(store, created("018c-aaaa"));
    put(store, created("018c-bbbb"));
    CHECK(put(store, instead_of("018c-aaaa", "018c-cccc", true)) == Verdict::overlaps);
    CHECK(store.run("018c-aaaa").value().state == RunState::interrupted);
    CHECK(store.run("018c-cccc").error().code == Errc::not_found);
}
