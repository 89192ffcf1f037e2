#include "core/time/time_zone.hpp"
#include "core/time/zone_file.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <ctime>
#include <optional>
#include <random>

namespace loom {
namespace {

using namespace std::chrono;

/// Sets TZ for a test, and puts back what it was.
class TimeZoneVariable {
public:
    explicit TimeZoneVariable(const std::string& value) {
        if (const char* before = std::getenv("TZ")) before_ = before;
        setenv("TZ", value.c_str(), 1);
        tzset();
    }
    ~TimeZoneVariable() {
        if (before_) setenv("TZ", before_->c_str(), 1);
        else unsetenv("TZ");
        tzset();
    }
    TimeZoneVariable(const TimeZoneVariable&) = delete;
    TimeZoneVariable& operator=(const TimeZoneVariable&) = delete;

private:
    std::optional<std::string> before_;
};

/// Independent witness: the C library's reading of the same file.
seconds c_offset(sys_seconds at) {
    const std::time_t time = at.time_since_epoch().count();
    std::tm parts{};
    localtime_r(&time, &parts);
    return seconds(parts.tm_gmtoff);
}

seconds offset(std::string_view zone, sys_seconds at) { return find_zone(zone).value()->offset_at(at); }

} // namespace

TEST_CASE("offsets before, between and past the tabulated transitions") {
    CHECK(offset("Europe/Berlin", sys_days(2026y / 1 / 1)) == 1h);
    CHECK(offset("Europe/Berlin", sys_days(2026y / 7 / 1)) == 2h);
    CHECK(offset("Europe/Berlin", sys_days(2026y / 3 / 29) + 1h - 1s) == 1h);
    CHECK(offset("Europe/Berlin", sys_days(2026y / 3 / 29) + 1h) == 2h);
    CHECK(offset("Europe/Berlin", sys_days(2050y / 7 / 1)) == 2h);
    CHECK(offset("Europe/Berlin", sys_days(2199y / 7 / 1)) == 2h);
    CHECK(offset("Europe/Berlin", sys_days(1800y / 7 / 1)) == 53min + 28s);
    CHECK(offset("Australia/Lord_Howe", sys_days(2060y / 1 / 1)) == 11h);
    CHECK(offset("Australia/Lord_Howe", sys_days(2060y / 7 / 1)) == 10h + 30min);
    CHECK(offset("Europe/Dublin", sys_days(2060y / 7 / 1)) == 1h);
    CHECK(offset("Asia/Kolkata", sys_days(2100y / 7 / 1)) == 5h + 30min);
    CHECK(utc_zone()->offset_at(sys_days(2100y / 7 / 1)) == 0h);
}

TEST_CASE("the C library sees the same offsets") {
    const bool thorough = std::getenv("LOOM_TEST_LONG") != nullptr;
    std::mt19937 random(7);
    const auto first = sys_days(1970y / 1 / 1).time_since_epoch().count() * 86'400LL;
    const auto last = sys_days(2190y / 1 / 1).time_since_epoch().count() * 86'400LL;
    std::uniform_int_distribution<long long> any(first, last);
    for (const auto* name : {"Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Nuuk", "America/Santiago",
                             "America/Havana", "Asia/Beirut", "Asia/Jerusalem", "Asia/Gaza", "Australia/Lord_Howe",
                             "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca", "Africa/Monrovia", "Antarctica/Troll"}) {
        const auto zone = find_zone(name).value();
        const TimeZoneVariable variable(name);
        const auto check = [&](sys_seconds at) {
            if (zone->offset_at(at) == c_offset(at)) return;
            CAPTURE(name, at.time_since_epoch().count());
            CHECK(zone->offset_at(at) == c_offset(at));
        };
        for (int i = 0; i < (thorough ? 100'000 : 200); ++i) check(sys_seconds(seconds(any(random))));
        for (const auto& transition : zone->transitions()) {
            if (transition.at.time_since_epoch().count() < first) continue;
            check(transition.at);
            check(transition.at - 1s);
        }
        CHECK(zone->name() == name);
    }
}

TEST_CASE("an unknown zone is refused with the nearest name") {
    const auto zone = find_zone("Europe/Berln");
    REQUIRE(!zone);
    CHECK(zone.error().code == Errc::config);
    CHECK(zone.error().message.find("unknown time zone \"Europe/Berln\"") != std::string::npos);
    CHECK(zone.error().message.find("did you mean \"Europe/Berlin\"?") != std::string::npos);
    for (const auto* name : {"", "/etc/passwd", "../../../etc/passwd", "Europe", "zone.tab", "right/UTC", "leapseconds"}) {
        CAPTURE(name);
        CHECK(!find_zone(name));
    }
}

TEST_CASE("a zone is loaded once") {
    CHECK(find_zone("Europe/Paris").value() == find_zone("Europe/Paris").value());
    CHECK(find_zone("UTC").value() == utc_zone());
}

TEST_CASE("the host's zone is the one that TZ names") {
    const TimeZoneVariable variable(":Asia/Tokyo");
    CHECK(local_zone()->name() == "Asia/Tokyo");
    const TimeZoneVariable unknown("nowhere");
    CHECK(local_zone() == utc_zone());
}

TEST_CASE("a damaged zone file is an error, wherever it ends") {
    CHECK(!read_zone_file("", 2100));
    CHECK(!read_zone_file("TZif2", 2100));
    std::string header = "TZif2" + std::string(39, '\0');
    header[39] = 1; // one type in the second block's header, whose bytes are missing
    CHECK(!read_zone_file(std::string("TZif2" + std::string(39, '\0')) + header, 2100));
    const auto with_footer = [&](std::string_view footer) {
        return read_zone_file("TZif2" + std::string(39, '\0') + header + std::string(6, '\0') + '\n' + std::string(footer) + '\n', 2100);
    };
    CHECK(with_footer("")->size() == 1);
    CHECK(with_footer("UTC0")->size() == 1);
    CHECK(with_footer("AAA3BBB,M3.2.0,M11.1.0")->size() > 300);
    CHECK(with_footer("<-03>3<-02>,J60/-2,300/26:30:15")->size() > 300);
    for (const auto* footer : {"CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0x",
                               "CET-1CEST,M13.5.0,M10.5.0", "<CET", "CET-999", "CET-1CEST,J0,J1"}) {
        CAPTURE(footer);
        CHECK(!with_footer(footer));
    }
}

} // namespace loom
