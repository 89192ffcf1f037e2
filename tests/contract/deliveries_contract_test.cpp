#include "stores.hpp"

// What every RunStore promises of a run that a webhook's delivery makes.

using namespace loom;
using namespace loom::contract;
using namespace loom::records;

namespace {

RunCreated delivered(std::string id, std::string delivery, Instant when = at(0), std::string hook = "deploy") {
    auto run = make_run(std::move(id));
    run.reason = Reason::webhook;
    run.started = when;
    run.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    run.params = {{"ref", "main"}, {"count", 3}};
    auto record = created(std::move(run));
    record.delivery = Delivery{std::move(hook), std::move(delivery)};
    return record;
}

} // namespace

STORE_TEST("a delivery makes one run, and is known by it") {
    TestType made;
    auto& store = *made.store;
    CHECK_FALSE(store.delivered({"deploy", "a"}, at(0)).value());
    CHECK(put(store, delivered("018c-aaaa", "a")) == Verdict::recorded);
    CHECK(put(store, delivered("018c-bbbb", "a")) == Verdict::duplicate);
    CHECK(store.delivered({"deploy", "a"}, at(0)).value() == "018c-aaaa");
    CHECK_FALSE(store.delivered({"deploy", "b"}, at(0)).value());
    CHECK_FALSE(store.delivered({"other", "a"}, at(0)).value());
    CHECK(store.run("018c-bbbb").has_error());
    // Another delivery, and another hook's, are others.
    CHECK(put(store, delivered("018c-cccc", "b")) == Verdict::recorded);
    CHECK(put(store, delivered("018c-dddd", "a", at(0), "other")) == Verdict::recorded);
    const auto run = store.run("018c-aaaa").value();
    CHECK(run.trace == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    CHECK((run.params == boost::json::object{{"ref", "main"}, {"count", 3}}));
    CHECK(run.reason == Reason::webhook);
}

STORE_TEST("of two deliveries in one commit the second is a duplicate") {
    TestType made;
    auto& store = *made.store;
    CHECK(put(store, {delivered("018c-aaaa", "a"), delivered("018c-bbbb", "a")}) == std::vector{Verdict::recorded, Verdict::duplicate});
}

STORE_TEST("a delivery is known for seven days") {
    TestType made;
    auto& store = *made.store;
    put(store, delivered("018c-aaaa", "a"));
    const auto week = std::chrono::duration_cast<Milliseconds>(limits::delivery_kept);
    CHECK(store.delivered({"deploy", "a"}, at(0) + week - Milliseconds(1)).value() == "018c-aaaa");
    CHECK_FALSE(store.delivered({"deploy", "a"}, at(0) + week).value());
    CHECK(put(store, delivered("018c-bbbb", "a", at(0) + week - Milliseconds(1))) == Verdict::duplicate);
    CHECK(put(store, delivered("018c-cccc", "a", at(0) + week)) == Verdict::recorded);
    CHECK(store.delivered({"deploy", "a"}, at(0) + week).value() == "018c-cccc");
}

STORE_TEST("a delivery that did not overlap is not known") {
    TestType made;
    auto& store = *made.store;
    put(store, created("018c-aaaa"));
    auto record = delivered("018c-bbbb", "a");
    record.exclusive = true;
    CHECK(put(store, record) == Verdict::overlaps);
    CHECK_FALSE(store.delivered({"deploy", "a"}, at(0)).value());
}
