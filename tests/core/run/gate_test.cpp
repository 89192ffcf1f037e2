#include "core/run/gate.hpp"
#include "support/catch.hpp"

using namespace loom;

TEST_CASE("a gate says who had the work drain, until that is undone or all ends") {
    Gate gate;
    CHECK_FALSE(gate.refusal());
    gate.drain("user:anna since noon");
    gate.drain("user:bob since one");
    CHECK(gate.draining() == "user:anna since noon");
    CHECK(gate.refusal()->code == Errc::conflict);
    CHECK(gate.refusal()->message.find("user:anna since noon") != std::string::npos);
    CHECK_FALSE(gate.undrain());
    CHECK_FALSE(gate.refusal());
    gate.drain("user:anna since two");
    gate.close();
    CHECK(gate.undrain()->code == Errc::conflict);
    CHECK(gate.draining() == "user:anna since two");
    CHECK(gate.refusal()->message == "Loom is shutting down: nothing new starts");
}
