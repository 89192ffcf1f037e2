#include "app/worker/crashes.hpp"

#include "app/worker/growth.hpp"
#include "app/worker/limits.hpp"
#include "support/catch.hpp"

#include <unistd.h>

using namespace loom;

TEST_CASE("a task whose workers die three times in a row is left alone for a while") {
    Crashes crashes;
    const Crashes::Time start{};
    crashes.crashed("t", "it exited", start);
    crashes.crashed("t", "it exited", start);
    CHECK_FALSE(crashes.refusal("t", start).has_value());
    crashes.crashed("t", "its worker was ended by signal SEGV", start);
    CHECK(crashes.refusal("t", start).value_or("") == "not tried: its worker died 3 times in a row, at last because its worker was ended by signal SEGV; tried "
                                         "again in 10m00s, or when the plugin has changed");
    CHECK_FALSE(crashes.refusal("another", start).has_value());
    CHECK_FALSE(crashes.refusal("t", start + worker_limits::quarantine).has_value());
}

TEST_CASE("a worker that comes to an end well ends the row") {
    Crashes crashes;
    for (int i = 0; i < 10; ++i) {
        crashes.crashed("t", "it exited", {});
        crashes.crashed("t", "it exited", {});
        crashes.served("t");
    }
    CHECK_FALSE(crashes.refusal("t", {}).has_value());
}

TEST_CASE("the row begins anew when a while has passed and it dies once more") {
    Crashes crashes;
    const Crashes::Time start{};
    for (int i = 0; i < 3; ++i) crashes.crashed("t", "it exited", start);
    const auto later = start + worker_limits::quarantine;
    CHECK_FALSE(crashes.refusal("t", later).has_value());
    crashes.crashed("t", "it exited", later);
    CHECK(crashes.refusal("t", later).has_value());
}

TEST_CASE("a worker goes before a limit would end it within a call") {
    PluginLimits limits;
    limits.memory_bytes = 100;
    limits.cpu = Milliseconds(1000);
    CHECK_FALSE(worn({50, Milliseconds(500)}, limits));
    CHECK(worn({51, Milliseconds(0)}, limits));
    CHECK(worn({0, Milliseconds(501)}, limits));
    limits.memory_bytes = 0;
    limits.cpu = Milliseconds(0);
    CHECK_FALSE(worn({1u << 30, std::chrono::hours(100)}, limits));
    CHECK(growth_of(::getpid())->resident_bytes > 0);
    CHECK_FALSE(growth_of(0).has_value());
}
