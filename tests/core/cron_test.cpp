#include "core/time/cron.hpp"
#include "support/catch.hpp"

#include <bit>

namespace loom {
namespace {

std::string complaint(std::string_view text) {
    const auto cron = parse_cron(text);
    if (cron) return "none";
    CHECK(cron.error().code == Errc::config);
    return cron.error().message;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("fields become sets of numbers") {
    const auto cron = parse_cron("*/15 9-17/4 1,15 jan-mar mon,5-7").value();
    CHECK(cron.seconds == 1);
    CHECK(cron.minutes == (1ull | 1ull << 15 | 1ull << 30 | 1ull << 45));
    CHECK(cron.hours == (1u << 9 | 1u << 13 | 1u << 17));
    CHECK(cron.days == (1u << 1 | 1u << 15));
    CHECK(cron.months == (1u << 1 | 1u << 2 | 1u << 3));
    CHECK(cron.weekdays == (1u << 1 | 1u << 5 | 1u << 6 | 1u << 0));
}

TEST_CASE("spellings that mean the same") {
    const std::pair<const char*, const char*> cases[] = {
        {"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "@yearly"}, {"@DAILY", "@daily"},
        {"  0\t0  * * 7 ", "0 0 * * sun"}, {"0 0 0 * * 1", "0 0 * * MON"}, {"0 0 * FEB *", "0 0 * 2 *"},
        {"*/1 * * * *", "* * * * *"}, {"0-59 0 * * *", "0-59/1 0 * * *"}, {"0 0 l * *", "0 0 L * *"},
        {"0 0 * * friL", "0 0 * * 5l"}, {"0 0 * * sun#2", "0 0 * * 7#2"}, {"@every 90s", "@every 1m30s"},
    };
    for (const auto& [a, b] : cases) {
        CAPTURE(a, b);
        CHECK(parse_cron(a).value() == parse_cron(b).value());
    }
}

TEST_CASE("both day fields must match when one begins with a star, else either") {
    CHECK(parse_cron("0 0 */2 * 1")->days_and_weekdays);
    CHECK(parse_cron("0 0 13 * */2")->days_and_weekdays);
    CHECK(!parse_cron("0 0 13 * 5")->days_and_weekdays);
    CHECK(!parse_cron("0 0 1-31 * 5")->days_and_weekdays);
    CHECK(parse_cron("0 0 13 * 5")->both_days_restricted);
    CHECK(!parse_cron("0 0 * * 5")->both_days_restricted);
}

TEST_CASE("a star in the minute or hour field means elapsed time") {
    for (const auto* text : {"* 2 * * *", "*/5 2 * * *", "30 * * * *", "30 */2 * * *", "0 * 2 * * *", "@hourly", "@every 5m"})
        CHECK(parse_cron(text)->follows_elapsed_time);
    for (const auto* text : {"30 2 * * *", "0-59 2 * * *", "* 30 2 * * *", "H H * * *", "@daily"})
        CHECK(!parse_cron(text)->follows_elapsed_time);
}

TEST_CASE("the special days") {
    CHECK(parse_cron("0 0 L,L-3 * *")->last_days == (1u | 1u << 3));
    CHECK(parse_cron("0 0 1W,15 * *")->near_weekdays == 1u << 1);
    CHECK(parse_cron("0 0 * * 5#3,mon#1")->nth_weekdays == std::array<std::uint8_t, 6>{0, 1 << 1, 0, 1 << 5, 0, 0});
    CHECK(parse_cron("0 0 * * 5L,7L")->last_weekdays == (1u << 5 | 1u << 0));
}

TEST_CASE("H spreads jobs by their names, the same on every machine") {
    const auto of = [](std::string_view text, std::string_view job) { return parse_cron(text, job).value(); };
    CHECK(of("H H * * *", "backup") == of("H H * * *", "backup"));
    CHECK(of("H * * * *", "backup").minutes == 1ull << 23);
    std::uint64_t minutes = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto job = "job" + std::to_string(i);
        minutes |= of("H * * * *", job).minutes;
        CHECK((of("0 H(2-4) * * *", job).hours & ~0b11100u) == 0);
        CHECK((of("0 0 H * *", job).days >> 29) == 0);
        const auto fourths = of("H/15 * * * *", job).minutes;
        CHECK(std::popcount(fourths) == 4);
        CHECK(std::countr_zero(fourths) < 15);
    }
    CHECK(std::popcount(minutes) == 60);
}

TEST_CASE("a wrong field is named, with what it held and what is allowed") {
    struct {
        const char* text;
        std::vector<const char*> parts;
    } const cases[] = {
        {"60 * * * *", {"minute field \"60\"", "60 is not in 0-59"}},
        {"* 24 * * *", {"hour field \"24\"", "0-23"}},
        {"* * 0 * *", {"day of month field \"0\"", "1-31"}},
        {"* * * 13 *", {"month field \"13\"", "1-12 or jan-dec"}},
        {"* * * * 8", {"weekday field \"8\"", "0-7 or sun-sat"}},
        {"61 * * * * *", {"seconds field"}},
        {"* * * jna *", {"month field \"jna\"", "did you mean \"jan\"?"}},
        {"* * * * 1-moon", {"did you mean \"mon\"?"}},
        {"5/10 * * * *", {"a step needs * or a range"}},
        {"*/0 * * * *", {"0 is not in 1-"}},
        {"*/ * * * *", {"a number is missing"}},
        {"30-10 * * * *", {"\"30-10\" runs backwards"}},
        {"0 0 * * sat-sun", {"runs backwards", "Sunday at a range's end is 7"}},
        {"1,,2 * * * *", {"a value is missing"}},
        {"1- * * * *", {"a value is missing"}},
        {"1x * * * *", {"\"x\" is not understood"}},
        {"** * * * *", {"\"*\" is not understood"}},
        {"-5 * * * *", {"\"-5\" is not understood"}},
        {"0 0 L-31 * *", {"31 is not in 0-30"}},
        {"0 0 * * 5#6", {"6 is not in 1-5"}},
        {"0 0 * * L", {"weekday field \"L\""}},
        {"0 L * * *", {"hour field \"L\""}},
        {"H(5-2) * * * *", {"runs backwards"}},
        {"H(5 * * * *", {"expected H(a-b)"}},
        {"* * * *", {"expected 5 fields", "there are 4"}},
        {"hello", {"there is 1"}},
        {"", {"it is empty"}},
        {"@dayly", {"\"@dayly\" is not a macro", "did you mean \"@daily\"?"}},
        {"@daily 5", {"@daily stands alone"}},
        {"@every", {"@every needs one duration"}},
        {"@every x", {"\"x\" is not a duration"}},
        {"@every 1500ms", {"whole seconds"}},
        {"@every 0s", {"at least 1s"}},
    };
    for (const auto& c : cases) {
        const auto message = complaint(c.text);
        CAPTURE(c.text, message);
        CHECK(holds(message, "schedule \"" + std::string(c.text) + '"'));
        for (const auto* part : c.parts) CHECK(holds(message, part));
    }
}

TEST_CASE("a date that never comes is an error") {
    for (const auto* text : {"0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30W 2 *", "0 0 L-30 2 *", "0 0 29-31/2 2 */9"}) {
        CAPTURE(text);
        const auto message = complaint(text);
        if (std::string_view(text) == "0 0 29-31/2 2 */9") CHECK(message == "none"); // 29 February on a Sunday: every 28 years
        else CHECK(holds(message, "no such date comes within 41 years"));
    }
}

} // namespace loom
