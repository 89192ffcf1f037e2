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
