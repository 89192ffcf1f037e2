#include "core/base/duration.hpp"
#include "support/catch.hpp"

namespace loom {

TEST_CASE("durations are read with their units") {
    const std::pair<const char*, long> cases[] = {
        {"0", 0}, {"5", 5000}, {"250ms", 250}, {"90s", 90'000}, {"5m", 300'000}, {"1h30m", 5'400'000}, {"2d", 172'800'000},
        {"1d2h3m4s5ms", 93'784'005},
    };
    for (const auto& [text, ms] : cases) {
        CAPTURE(text);
        REQUIRE(parse_duration(text).has_value());
        CHECK(parse_duration(text)->count() == ms);
    }
}

TEST_CASE("what is no duration is refused in words") {
    for (const auto* text : {"", "x", "5x", "-5s", "1.5h", "5 s", "1h30", "h", "99999999999999999999s", "4000d", "9999999d9999999d"}) {
        CAPTURE(text);
        const auto duration = parse_duration(text);
        REQUIRE(!duration);
        CHECK(duration.error().code == Errc::usage);
        CHECK(duration.error().message.find('"' + std::string(text) + '"') != std::string::npos);
    }
}

TEST_CASE("durations are shown short") {
    const std::pair<long, const char*> cases[] = {
        {0, "0ms"}, {250, "250ms"}, {1400, "1.4s"}, {12'345, "12s"}, {185'000, "3m05s"}, {7'800'000, "2h10m"}, {273'600'000, "3d04h"},
    };
    for (const auto& [ms, text] : cases) CHECK(short_duration(Milliseconds(ms)) == text);
}

} // namespace loom
