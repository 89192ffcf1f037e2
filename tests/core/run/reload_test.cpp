#include "core/run/engine_rig.hpp"
#include "support/catch.hpp"

#include <future>

using namespace loom;
using namespace loom::tests;

namespace {

const std::string manual_job = "  j: {command: x, targets: '@*'}\n";

std::shared_ptr<Catalog> copy_of(EngineRig& rig) { return std::make_shared<Catalog>(*rig.engine->current_catalog()); }

} // namespace

TEST_CASE("a reload takes what was read anew though no text has changed") {
    EngineRig rig(manual_job);
    const CatalogPtr fresh = copy_of(rig); // the same digest: only a secret may differ
    rig.read_catalog = [fresh]() -> Result<CatalogPtr> { return fresh; };
    CHECK(rig.wait(rig.engine->reload(Caller("user:anna"))).has_value());
    CHECK(rig.engine->current_catalog() == fresh);
}

TEST_CASE("a reload that began earlier and ends later changes nothing") {
    EngineRig rig(manual_job);
    const auto old = copy_of(rig), fresh = copy_of(rig);
    old->digest = "old";
    fresh->digest = "new";
    std::promise<void> begun, go_on;
    bool slow_fails = GENERATE(false, true);
    std::atomic<int> reads = 0;
    rig.read_catalog = [&]() -> Result<CatalogPtr> {
        if (reads++ > 0) return CatalogPtr(fresh);
        begun.set_value();
        go_on.get_future().wait();
        if (slow_fails) return Error{Errc::config, "half a file"};
        return CatalogPtr(old);
    };
    auto slow = std::async(std::launch::async, [&] { return rig.wait(rig.engine->reload(Caller("signal HUP"))); });
    begun.get_future().wait();
    CHECK(rig.wait(rig.engine->reload(Caller("user:anna")))->digest == "new");
    go_on.set_value();
    CHECK(slow.get()->digest == "new");
    CHECK(rig.engine->current_catalog() == fresh);
}

TEST_CASE("a reload that fails leaves what is in force, and says why") {
    EngineRig rig(manual_job);
    const auto before = rig.engine->current_catalog();
    rig.read_catalog = []() -> Result<CatalogPtr> { return Error{Errc::config, "a tab"}; };
    CHECK(rig.wait(rig.engine->reload(Caller("user:anna"))).error().message == "a tab");
    CHECK(rig.engine->current_catalog() == before);
    CHECK(rig.wait(rig.engine->catalog())->last_error == "a tab");
}

TEST_CASE("the last reload that brought another configuration is told by what it changed") {
    EngineRig rig(manual_job);
    CHECK(!rig.wait(rig.engine->catalog_diff())->at);
    const auto old = rig.engine->current_catalog()->digest;
    const auto fresh = copy_of(rig);
    fresh->digest = "new";
    fresh->nodes.emplace_back().name = "n11";
    fresh->nodes.emplace_back().name = "n12";
    fresh->jobs.front().description = "another";
    rig.read_catalog = [fresh]() -> Result<CatalogPtr> { return CatalogPtr(fresh); };
    CHECK(rig.wait(rig.engine->reload(Caller("user:anna"))).has_value());
    CHECK(rig.wait(rig.engine->reload(Caller("user:ben"))).has_value()); // nothing new
    const auto diff = rig.wait(rig.engine->catalog_diff()).value();
    CHECK(diff.at == "2026-01-31T08:05:00Z");
    CHECK(diff.by == "user:anna");
    CHECK(diff.before == old);
    CHECK(diff.digest == "new");
    CHECK(diff.nodes.added == "n[11-12]");
    CHECK(diff.jobs.changed == std::vector<std::string>{"j"});
    rig.read_catalog = []() -> Result<CatalogPtr> { return Error{Errc::config, "a tab"}; };
    CHECK(rig.wait(rig.engine->reload(Caller("user:anna"))).has_error());
    CHECK(rig.wait(rig.engine->catalog_diff())->last_error == "a tab");
    CHECK(rig.wait(rig.engine->catalog_diff())->digest == "new");
}

TEST_CASE("what a reload reads beside the catalog, and finds wrong, is among the problems until it is right") {
    EngineRig rig(manual_job);
    rig.read_catalog = [catalog = rig.engine->current_catalog()]() -> Result<CatalogPtr> { return catalog; };
    const auto before = rig.wait(rig.engine->catalog())->problems.size();
    std::vector<Problem> wrong(1);
    wrong[0].place = "https://127.0.0.1:1";
    wrong[0].message = "the new certificate is not taken: it has ended";
    rig.engine->when_reloaded([&wrong] { return wrong; });
    CHECK(rig.wait(rig.engine->reload(Caller("user:anna")))->problems.back().place == "https://127.0.0.1:1");
    CHECK(rig.wait(rig.engine->catalog())->problems.size() == before + 1);
    wrong.clear();
    CHECK(rig.wait(rig.engine->reload(Caller("user:anna")))->problems.size() == before);
}

TEST_CASE("a run by hand makes up for an instant that has passed, and for none that is to come") {
    EngineRig rig(manual_job);
    StartJob request;
    request.job = "j";
    request.due = "2026-01-31T08:05:00.001Z";
    const auto refused = rig.wait(rig.engine->start_job(Caller("user:anna"), request));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::usage);
    CHECK(refused.error().message.starts_with("due: 2026-01-31T08:05:00.001Z lies in the future"));
    request.due = "2026-01-31T08:05:00Z";
    CHECK(rig.end(rig.wait(rig.engine->start_job(Caller("user:anna"), request)).value()).reason == "backfill");
}
