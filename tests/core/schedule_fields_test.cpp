#include "core/config/catalog_builder.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

ConfigTexts texts_with(const std::string& schedule, const std::string& settings) {
    auto texts = catalog_texts("jobs:\n  j:\n    task: t\n    targets: web1\n    schedule: " + schedule + "\n");
    texts.settings.text += settings;
    return texts;
}

constexpr const char* two_calendars = "calendars:\n  freeze: {weekly: [\"fri 18:00 - mon 06:00\"], tz: UTC}\n"
                                      "  holidays: {dates: [2026-12-25, 12-31]}\n";

std::string problems(const std::string& schedule, const std::string& settings = two_calendars) {
    return problems_of(texts_with(schedule, settings));
}

} // namespace

TEST_CASE("a schedule has bounds, a count, calendars and a blackout") {
    const auto catalog = build_catalog(texts_with("{cron: '0 3 * * *', tz: Europe/Berlin, start: 2026-12-01, end: 2026-12-31, count: 7, "
                                                  "only: [holidays, freeze], blackout: {calendars: freeze, policy: hold}}",
                                                  two_calendars))
                             .value();
    REQUIRE(problem_lines(*catalog).empty());
    const auto& job = *catalog->find_job("j");
    CHECK(to_rfc3339(*job.schedule->start) == "2026-11-30T23:00:00Z");
    CHECK(to_rfc3339(*job.schedule->end) == "2026-12-31T22:59:59.999Z");
    CHECK(job.schedule->count == 7);
    REQUIRE(job.schedule->only.size() == 2);
    CHECK(job.schedule->only[0]->name() == "holidays");
    REQUIRE(job.policy->blackout.calendars.size() == 1);
    CHECK(job.policy->blackout.hold);
    CHECK(identity(*job.schedule) == "0 3 * * * from 2026-11-30T23:00:00Z to 2026-12-31T22:59:59.999Z in holidays in freeze");
}

TEST_CASE("a blackout's short form is a name or a list, and skips") {
    for (const auto* blackout : {"freeze", "[freeze]"}) {
        const auto catalog = build_catalog(texts_with(std::string("{cron: '@daily', blackout: ") + blackout + "}", two_calendars)).value();
        REQUIRE(problem_lines(*catalog).empty());
        CHECK(catalog->find_job("j")->policy->blackout.calendars.size() == 1);
        CHECK_FALSE(catalog->find_job("j")->policy->blackout.hold);
    }
}

TEST_CASE("a one-shot stands in place of the expression") {
    const auto catalog = build_catalog(texts_with("'@at 2026-12-01T10:00:00Z'", "")).value();
    REQUIRE(problem_lines(*catalog).empty());
    CHECK(next(*catalog->find_job("j")->schedule, {}) == parse_instant("2026-12-01T10:00:00Z").value());
}

TEST_CASE("a wrong bound, calendar or blackout is told with its place") {
    struct Row {
        std::string schedule, problem;
    };
    const std::vector<Row> rows = {
        {"{cron: '@daily', start: soon}", "5:39: schedule: start: \"soon\" is not a time; expected e.g. 2026-12-01, \"2026-12-01 10:00\" (in the "
                                          "schedule's time zone) or 2026-12-01T10:00:00Z"},
        {"{cron: '@daily', start: 2026-12-02, end: 2026-12-01}",
         "5:56: schedule: end: 2026-12-01 lies before the start, 2026-12-02"},
        {"{cron: '@daily', count: 0}", "5:39: schedule: count: expected a number from 1 to 1000000000, not \"0\""},
        {"{cron: '@daily', only: holiday}", "5:38: schedule: only: loom.yaml has no calendar \"holiday\" (did you mean \"holidays\"?)"},
        {"{cron: '@daily', blackout: [freeze, freez]}",
         "5:51: schedule: blackout: loom.yaml has no calendar \"freez\" (did you mean \"freeze\"?)"},
        {"{cron: '@daily', blackout: {calendars: freeze, policy: wait}}",
         "5:70: schedule: blackout: policy: expected one of skip, hold, not \"wait\""},
        {"{cron: '@daily', blackout: {calendar: freeze}}",
         "5:43: schedule: blackout: unknown key \"calendar\" (did you mean \"calendars\"?)"},
        {"{cron: '@reboot', count: 3}", "5:40: schedule: count: @reboot starts once after each boot, and each boot would count anew"},
        {"{cron: '@reboot', start: 2026-12-01}", "5:40: schedule: start: @reboot knows no times: it starts once after each boot"},
        {"{cron: '0 12 * * wed', tz: UTC, only: freeze}",
         "5:22: schedule: cron: \"0 12 * * wed\" is never due within start, end and only"},
        {"{cron: '@at 2026-12-05T10:00:00Z', end: 2026-12-01}",
         "5:22: schedule: cron: \"@at 2026-12-05T10:00:00Z\" is never due within start, end and only"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.schedule);
        CHECK(problems(row.schedule) == "jobs/web.yaml:" + row.problem + "\n");
    }
    CHECK(problems("{cron: '@daily', blackout: always}", "calendars: {always: {weekly: [mon - wed, thu - sun]}}\n") ==
          "jobs/web.yaml:5:42: schedule: blackout: it never ends, so the job would never start\n");
}

TEST_CASE("a map without an expression is warned of where it stands, unless it is that of the defaults") {
    CHECK(problems("{tz: UTC, splay: 5m}") == "jobs/web.yaml:5:15: schedule: it has no cron, so nothing is scheduled\n");
    CHECK(problems("{tz: UTC}", "defaults: {schedule: {cron: '@daily'}}\n").empty());
    auto texts = catalog_texts("jobs:\n  j: {task: t, targets: web1}\n");
    texts.settings.text += "defaults: {schedule: {tz: UTC}}\n";
    CHECK(problems_of(texts) == "jobs/web.yaml:2:3: no schedule: manual only\n");
}

TEST_CASE("a catch-up of which overlap would skip all but one is warned of") {
    const auto problems_with = [](const std::string& keys) {
        return problems_of(catalog_texts("jobs:\n  j: {task: t, targets: web1, schedule: '@daily', " + keys + "}\n"));
    };
    CHECK(problems_with("catchup: all") ==
          "jobs/web.yaml:2:3: catchup: all with overlap: skip: of several missed runs only the first one runs; with overlap: buffer_all "
          "they run one after the other\n");
    CHECK(problems_with("catchup: {policy: all, max: 1}").empty());
    CHECK(problems_with("catchup: all, overlap: buffer_all").empty());
    CHECK(problems_with("catchup: last").empty());
}

TEST_CASE("a wrong calendar is told with its place") {
    struct Row {
        std::string calendars, problem;
    };
    const std::vector<Row> rows = {
        {"{a b: {dates: 12-25}}", "3:13: calendars: \"a b\" cannot name a calendar: use letters, digits, '.', '_' and '-'"},
        {"{a: {}}", "3:13: calendars: a: it holds no time: expected dates, weekly, or both"},
        {"{a: {dates: [12-25, 25-12]}}", "3:32: calendars: a: dates: \"25-12\" is not a date; expected 2026-12-25, 2026-12-24..2027-01-01, or "
                                         "12-25 and 12-24..01-01 for each year"},
        {"{a: {weekly: frri}}", "3:25: calendars: a: weekly: \"frri\" is not a weekday (did you mean \"fri\"?); expected mon, tue, wed, thu, fri, sat or "
                                "sun, and a time behind it, as in \"fri 18:00 - mon 06:00\""},
        {"{a: {dates: 12-25, tz: Europe/Berln}}",
         "3:35: calendars: a: tz: unknown time zone \"Europe/Berln\"; expected a name such as Europe/Berlin or UTC (did you mean "
         "\"Europe/Berlin\"?)"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.calendars);
        const auto built = build_catalog(texts_with("'@daily'", "calendars: " + row.calendars + "\n"));
        REQUIRE(built.has_error());
        CHECK(built.error().message.find(row.problem) != std::string::npos);
    }
}

TEST_CASE("a job that catches up on single nodes overlaps by node, unless it says otherwise") {
    const auto scope = [](const std::string& keys) {
        const auto catalog = build_catalog(texts_with("'@daily'\n" + keys, "")).value();
        REQUIRE(problem_lines(*catalog).empty());
        return catalog->find_job("j")->policy->overlap_scope;
    };
    CHECK(scope("") == OverlapScope::job);
    CHECK(scope("    catchup: {nodes: true}\n") == OverlapScope::node);
    CHECK(scope("    catchup: {nodes: true}\n    overlap: {scope: job}\n") == OverlapScope::job);
}

TEST_CASE("where no node can be owed a run, a job that asks for it is refused") {
    CHECK(problems("'@daily'\n    catchup: {nodes: maybe}") ==
          "jobs/web.yaml:6:22: catchup: nodes: expected true or false, not \"maybe\"\n");
    CHECK(problems("'@daily'\n    run_once: true\n    catchup: {nodes: true}") ==
          "jobs/web.yaml:7:22: catchup: nodes: with run_once no node is owed a run of its own\n");
}

TEST_CASE("a job whose nodes can never be owed a run is warned of, where it says so itself") {
    const auto told = [](const std::string& keys, const std::string& settings = "") {
        auto texts = catalog_texts("jobs:\n  up: {task: t, targets: web1, schedule: '@daily'}\n  j: {task: t, targets: web1, " + keys + "}\n");
        texts.settings.text += settings;
        return problems_of(texts);
    };
    CHECK(told("after: up, catchup: {nodes: true}") ==
          "jobs/web.yaml:3:59: catchup: nodes: only a run of the job's schedule is owed to a node, and it has none\n");
    CHECK(told("schedule: '@daily', catchup: {nodes: true, window: off}") ==
          "jobs/web.yaml:3:68: catchup: nodes: with window: off nothing is owed to a node\n");
    CHECK(told("schedule: '@daily', catchup: {nodes: true}").empty());
    CHECK(told("schedule: '@daily', catchup: {policy: last, max: 3}") ==
          "jobs/web.yaml:3:80: catchup: max: only policy: all runs more than the newest instant late\n");
    CHECK(told("schedule: '@daily', overlap: allow, catchup: {policy: all, max: 3}").empty());
    CHECK(told("schedule: '@daily'", "defaults: {catchup: {max: 3}}\n").empty());
    CHECK(told("after: up", "defaults: {catchup: {nodes: true}}\n").empty());
}

TEST_CASE("to follow nobody, and to expect what no run can do, are faults with their place") {
    const auto told = [](const std::string& keys, const std::string& settings = "") {
        auto texts = catalog_texts("jobs:\n  j: {task: t, targets: web1, schedule: '@daily', " + keys + "}\n");
        texts.settings.text += settings;
        return problems_of(texts);
    };
    for (const auto* empty : {"[]", "{}"})
        CHECK(told(std::string("after: ") + empty) == "jobs/web.yaml:2:58: after: expected a job's name or several; what follows no job has no `after`\n");
    CHECK(told("after: null").empty());
    CHECK(told("expect: {start_within: 0}") == "jobs/web.yaml:2:74: expect: start_within: expected more than no time, or off, not \"0\"\n");
    CHECK(told("expect: {finish_within: 0s}") == "jobs/web.yaml:2:75: expect: finish_within: expected more than no time, or off, not \"0s\"\n");
    CHECK(told("expect: {start_within: off}", "defaults: {expect: {start_within: 5m}}\n").empty());
}
