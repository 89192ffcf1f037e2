#include "core/time/instant.hpp"
#include "support/catch.hpp"

namespace loom {

TEST_CASE("instants are read and shown in RFC 3339") {
    const std::pair<const char*, const char*> cases[] = {
        {"2026-01-31T08:05:00Z", "2026-01-31T08:05:00Z"},
        {"2026-01-31t08:05:00z", "2026-01-31T08:05:00Z"},
        {"2026-01-31T08:05:00.25Z", "2026-01-31T08:05:00.250Z"},
        {"2026-01-31T08:05:00.123456789Z", "2026-01-31T08:05:00.123Z"},
        {"2026-01-31T08:05:00+01:00", "2026-01-31T07:05:00Z"},
        {"2026-01-31T20:05:00-05:30", "2026-02-01T01:35:00Z"},
        {"2026-01-31 08:05", "2026-01-31T08:05:00Z"},
        {"2026-01-31 08:05:09", "2026-01-31T08:05:09Z"},
        {"2024-02-29", "2024-02-29T00:00:00Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
    };
    for (const auto& [text, shown] : cases) {
        CAPTURE(text);
        const auto instant = parse_instant(text);
        REQUIRE(instant.has_value());
        CHECK(to_rfc3339(*instant) == shown);
        CHECK(parse_instant(to_rfc3339(*instant)).value() == *instant);
    }
}

TEST_CASE("what is no instant is refused in words") {
    for (const auto* text : {"", "now", "2026", "2026-1-1", "2026-02-30", "2025-02-29", "2026-13-01", "2026-01-31T24:00:00Z",
                             "2026-01-31T08:61:00Z", "2026-01-31T08:05:00+1", "2026-01-31T08:05:00.Z", "2026-01-31T08",
                             "2026-01-31x", "2026-01-31 08:05:00Zx"}) {
        CAPTURE(text);
        const auto instant = parse_instant(text);
        REQUIRE(!instant);
        CHECK(instant.error().code == Errc::usage);
    }
}

} // namespace loom
