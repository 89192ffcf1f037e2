#include "app/hooks/refusals.hpp"

#include "support/catch.hpp"

using namespace loom;
using namespace std::chrono_literals;

TEST_CASE("of deliveries that prove nothing the log tells one a minute for each hook, and how many there were") {
    Refusals refusals;
    const Instant begin{1000s};
    CHECK(refusals.count("a", begin) == 0u);
    for (int i = 0; i < 1000; ++i) CHECK(!refusals.count("a", begin + 1s));
    CHECK(refusals.count("b", begin + 1s) == 0u);
    CHECK(refusals.count("a", begin + 60s) == 1000u);
    CHECK(!refusals.count("a", begin + 61s));
    CHECK(refusals.count("a", begin) == 1u); // the clock went back
}
