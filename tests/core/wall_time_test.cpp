#include "core/time/wall_time.hpp"
#include "support/catch.hpp"

namespace loom {
namespace {

using namespace std::chrono;

std::string read(std::string_view text, std::string_view zone = "Europe/Berlin", std::string_view now = "2026-11-28T22:30:00Z") {
    const auto found = parse_wall_time(text, *find_zone(zone).value(), parse_instant(now).value());
    return found ? to_rfc3339(*found) : found.error().message;
}

} // namespace

TEST_CASE("a time without an offset is that of clocks in the zone") {
    CHECK(read("2026-11-28T02:00") == "2026-11-28T01:00:00Z");
    CHECK(read("2026-11-28 02:00:30") == "2026-11-28T01:00:30Z");
    CHECK(read("2026-07-01") == "2026-06-30T22:00:00Z");
    CHECK(read("02:00") == "2026-11-28T01:00:00Z");
    CHECK(read("02:00:05") == "2026-11-28T01:00:05Z");
    CHECK(read("2026-11-28T02:00Z") == "2026-11-28T02:00:00Z");
    CHECK(read("2026-11-28T02:00+05:30") == "2026-11-27T20:30:00Z");
    CHECK(read("2026-11-28T02:00", "UTC") == "2026-11-28T02:00:00Z");
}

TEST_CASE("today is the day that clocks in the zone show") {
    CHECK(read("01:00", "Europe/Berlin", "2026-11-28T23:30:00Z") == "2026-11-29T00:00:00Z");
    CHECK(read("01:00", "America/New_York", "2026-11-29T03:00:00Z") == "2026-11-28T06:00:00Z");
}

TEST_CASE("a time that is left out is the end of the gap, and one that comes twice its first") {
    CHECK(read("2027-03-28T02:30") == "2027-03-28T01:00:00Z");
    CHECK(read("2027-03-28T01:59:59") == "2027-03-28T00:59:59Z");
    CHECK(read("2027-03-28T03:00") == "2027-03-28T01:00:00Z");
    CHECK(read("2027-10-31T02:30") == "2027-10-31T00:30:00Z");
    CHECK(read("2027-10-31T03:00") == "2027-10-31T02:00:00Z");
}

TEST_CASE("what is no time is refused with examples") {
    CHECK(read("noon") == "\"noon\" is not a time; expected e.g. 02:00, 2026-01-31T02:00 (both in Europe/Berlin) or 2026-01-31T02:00:00Z");
    CHECK(read("25:00").starts_with("\"25:00\" is not a time"));
    CHECK(read("2026-02-30").starts_with("\"2026-02-30\" is not a time"));
}

} // namespace loom
