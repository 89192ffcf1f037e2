#include "core/time/explain.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace loom;

TEST_CASE("a schedule is told in words") {
    const std::pair<const char*, const char*> rows[]{
        {"* * * * *", "Every minute"},
        {"*/5 * * * *", "Every 5 minutes"},
        {"*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"},
        {"7 * * * *", "At minute 7 of every hour"},
        {"@hourly", "At minute 0 of every hour"},
        {"0 2 * * *", "At 02:00 every day"},
        {"30 8,12,18 * * *", "At 08:30, 12:30 and 18:30 every day"},
        {"0 2 * * mon-fri", "At 02:00 on Monday to Friday"},
        {"0 2 * * sat,sun", "At 02:00 on Saturday and Sunday"},
        {"30 9-17 * * 1-5", "At minute 30 of every hour from 09:00 to 17:59 on Monday to Friday"},
        {"*/10 8-9 * * *", "Every 10 minutes from 08:00 to 09:59"},
        {"*/15 */2 * * *", "Every 15 minutes in every 2nd hour"},
        {"* 1,5,6,7 * * *", "Every minute in the hours 1 and 5 to 7"},
        {"0 0 1,15 * *", "At 00:00 on the 1st and 15th of the month"},
        {"0 0 1-7 jan,mar *", "At 00:00 on the 1st to 7th of the month in January and March"},
        {"0 0 * 6-8 *", "At 00:00 every day in June to August"},
        {"0 0 */2 * 1", "At 00:00 on every 2nd day from the 1st of the month, if it is Monday"},
        {"0 2 1 * fri", "At 02:00 on the 1st of the month, and on Friday"},
        {"0 0 1-31 * 5", "At 00:00 every day"},
        {"0 0 L * *", "At 00:00 on the last day of the month"},
        {"0 0 L-1,L-3 * *", "At 00:00 on the last day but one and 3 days before the last of the month"},
        {"0 0 15W * *", "At 00:00 on the working day nearest to the 15th of the month"},
        {"0 0 * * 5#3", "At 00:00 on the 3rd Friday of the month"},
        {"0 0 * * 5L", "At 00:00 on the last Friday of the month"},
        {"* * * * * *", "Every second"},
        {"*/10 * * * * *", "Every 10 seconds, every minute"},
        {"*/30 * * * * *", "At seconds 0 and 30, every minute"},
        {"30 0 2 * * *", "At 02:00:30 every day"},
        {"@every 90s", "Every 1m30s"},
        {"@reboot", "Once after each boot of the daemon's machine"},
        {"@at 2026-12-01T10:00:00+01:00", "Once, at 2026-12-01T09:00:00Z"},
        {"@at 2026-12-01 10:00", "Once, at 2026-12-01T10:00:00"},
        {"@yearly", "At 00:00 on the 1st of the month in January"},
    };
    for (const auto& [text, words] : rows) {
        CAPTURE(text);
        CHECK(explain(parse_cron(text).value()) == words);
    }
}

TEST_CASE("H is told as the value that it stands for") {
    const auto cron = parse_cron("H H(1-4) * * *", "backup").value();
    const auto words = explain(cron);
    CAPTURE(words);
    CHECK(words.starts_with("At 0"));
    CHECK(words.ends_with(" every day"));
    CHECK(words == explain(parse_cron("H H(1-4) * * *", "backup").value()));
    CHECK(words != explain(parse_cron("H H(1-4) * * *", "restore").value()));
}

TEST_CASE("what a reader may not expect of a schedule is noted") {
    const auto noted = [](const char* text, std::string_view part) {
        const auto notes = explain_notes(parse_cron(text).value());
        return std::ranges::any_of(notes, [&](const auto& note) { return note.find(part) != note.npos; });
    };
    CHECK(noted("0 0 13 * 5", "either one is enough"));
    CHECK(!noted("0 0 13 * *", "either one is enough"));
    CHECK(noted("0 0 */2 * 1", "both must match"));
    CHECK(noted("0 0 31 * *", "left out"));
    CHECK(!noted("0 0 1,31 * *", "left out"));
    CHECK(!noted("0 0 L * *", "left out"));
    CHECK(noted("*/5 2 * * *", "comes again"));
    CHECK(noted("0 2 * * *", "right after the gap"));
    CHECK(noted("@every 90s", "restart shifts nothing"));
    CHECK(explain_notes(parse_cron("@reboot").value()).empty());
}
