#include "core/schedule/past.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

TEST_CASE("a bound that is past is warned of, and one ahead is not") {
    const auto warnings = [](const std::string& schedule) {
        auto texts = catalog_texts("jobs:\n  j: {task: t, targets: web1, schedule: " + schedule + "}\n");
        texts.settings.text += "calendars: {fair: {dates: [2026-10-01..2026-10-09], tz: UTC}}\n";
        const auto catalog = build_catalog(texts).value();
        REQUIRE(catalog->find_job("j"));
        std::string lines;
        for (const auto& problem : past_bounds(*catalog, parse_instant("2026-11-29T03:00:00Z").value())) {
            CHECK(problem.kind == Problem::Kind::warning);
            CHECK(problem.place == "jobs/web.yaml:2:3");
            lines += problem.message + "\n";
        }
        return lines;
    };
    CHECK(warnings("'@daily'").empty());
    CHECK(warnings("{cron: '@daily', tz: UTC, start: 2026-11-30, end: 2026-12-31}").empty());
    CHECK(warnings("{cron: '@daily', tz: UTC, end: 2026-11-29}").empty());
    CHECK(warnings("{cron: '@daily', tz: UTC, start: 2026-11-01}") ==
          "schedule: its start, 2026-11-01T00:00:00Z, is past and keeps it from nothing any more\n");
    CHECK(warnings("{cron: '@daily', tz: UTC, end: 2026-11-28}") ==
          "schedule: its end, 2026-11-28T23:59:59.999Z, is past: it starts no more\n");
    CHECK(warnings("'@at 2026-11-29T02:00:00Z'") == "schedule: its one time is past: it starts no more\n");
    CHECK(warnings("{cron: '@daily', only: fair}") == "schedule: its calendars (only) come no more: it starts no more\n");
    CHECK(warnings("'@reboot'").empty());
    CHECK(warnings("'@at 2026-11-29T04:00:00Z'").empty());
}
