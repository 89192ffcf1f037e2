#include "app/cli/output/gather.hpp"
#include "app/cli/output/progress.hpp"
#include "app/cli/output/table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/text_width.hpp"
#include "app/cli/output/times.hpp"
#include "core/time/time_zone.hpp"
#include "support/catch.hpp"

#include <sstream>

using namespace loom;

TEST_CASE("bytes from a node reach a terminal without their power") {
    struct Row {
        const char* what;
        std::string bytes, plain, coloured;
    };
    const std::string reset = "\x1b[0m";
    const Row rows[]{
        {"plain text", "hello\n\tworld\n", "hello\n\tworld\n", "hello\n\tworld\n"},
        {"UTF-8", "grün – 日本", "grün – 日本", "grün – 日本"},
        {"colour", "\x1b[31mred\x1b[m", "red", "\x1b[31mred\x1b[m" + reset},
        {"a 256 colour", "\x1b[38;5;8mx", "x", "\x1b[38;5;8mx" + reset},
        {"a true colour", "\x1b[1;48;2;8;8;8mx", "x", "\x1b[1;48;2;8;8;8mx" + reset},
        {"concealed text", "\x1b[8mx", "x", "x"},
        {"concealed behind a colour", "\x1b[38;5;1;8mx", "x", "x"},
        {"private SGR", "\x1b[?1mx\x1b[>4;1mx", "xx", "xx"},
        {"cursor moves", "a\x1b[2J\x1b[H\x1b[1Ab", "ab", "ab"},
        {"a title by OSC and BEL", "a\x1b]0;evil\ab", "ab", "ab"},
        {"a link by OSC and ST", "a\x1b]8;;http://x\x1b\\b", "ab", "ab"},
        {"OSC without end", "a\x1b]52;c;AAAA\nb", "a\nb", "a\nb"},
        {"DCS", "a\x1bP1;2|x\x1b\\b", "ab", "ab"},
        {"APC, PM and SOS", "\x1b_x\x1b\\\x1b^y\x1b\\\x1bXz\x1b\\b", "b", "b"},
        {"charset switch", "\x1b(0b", "b", "b"},
        {"full reset", "\x1b"
                       "cb",
         "b", "b"},
        {"ESC alone at the end", "a\x1b", "a", "a"},
        {"a cut CSI", "a\x1b[31", "a", "a"},
        {"an 8-bit CSI", "a\x9b"
                         "31mb",
         "a\\x9b31mb", "a\\x9b31mb"},
        {"C1 as UTF-8", "a\xc2\x9b"
                        "b",
         "a\\u009bb", "a\\u009bb"},
        {"other controls", "a\x07\x08\x7f"
                           "b",
         "a\\x07\\x08\\x7fb", "a\\x07\\x08\\x7fb"},
        {"NUL", std::string("a\0b", 3), "a\\x00b", "a\\x00b"},
        {"bidi override", "a\u202eb\u2066c", "a\\u202eb\\u2066c", "a\\u202eb\\u2066c"},
        {"zero width", "a\u200bb", "a\\u200bb", "a\\u200bb"},
        {"no UTF-8", "a\xff\xc3(", "a\\xff\\xc3(", "a\\xff\\xc3("},
        {"a cut character", "a\xe2\x82", "a\\xe2\\x82", "a\\xe2\\x82"},
        {"an overlong slash", "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf"},
        {"a surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
        {"CRLF", "a\r\nb", "a\nb", "a\nb"},
        {"a progress meter", "10%\r20%\r", "10%\n20%\n", "10%\n20%\n"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        CHECK(for_terminal(row.bytes, false) == row.plain);
        CHECK(for_terminal(row.bytes, true) == row.coloured);
    }
    CHECK(for_line("a\nb\tc\x1b[31md\n") == "a b cd");
}

TEST_CASE("display width counts what a terminal shows") {
    CHECK(display_width("web1") == 4);
    CHECK(display_width("grün") == 4);
    CHECK(display_width("日本") == 4);
    CHECK(display_width("e\u0301") == 1);
    CHECK(ellipsised("database", 8) == "database");
    CHECK(ellipsised("database", 5) == "data…");
    CHECK(ellipsised("日本語", 4) == "日…");
    CHECK(ellipsised("abc", 1) == "…");
    CHECK(ellipsised("abc", 0).empty());
}

namespace {

Table sample_table() {
    Table table({{"JOB", 0, 8}, {"STATE", 1, 6}, {"COUNT", 2, 5, true}, {"TASK", 3, 6}});
    table.add({"rotate-certificates", {"failed", Colour::red}, "12", "systemctl restart\nsomething with a long name"});
    table.add({"backup", {"ok", Colour::green}, "1234", "日本 \x1b]0;x\a tar"});
    return table;
}

} // namespace

TEST_CASE("sentences are broken at spaces where the terminal ends") {
    CHECK(wrapped("one two three", 7) == "one two\nthree");
    CHECK(wrapped("one two three", 0) == "one two three");
    CHECK(wrapped("unbreakable is", 5) == "unbreakable\nis");
    CHECK(wrapped("日本 語", 5) == "日本\n語");
    CHECK(wrapped("", 5).empty());
    CHECK(wrapped("  one two three", 9) == "  one two\n  three");
}

TEST_CASE("a table keeps one line a row at any width, the least important column giving way first") {
    CHECK(sample_table().render(0, Paint(false)) ==
          "JOB                  STATE   COUNT  TASK\n"
          "rotate-certificates  failed     12  systemctl restart something with a long name\n"
          "backup               ok       1234  日本  tar\n");
    CHECK(sample_table().render(50, Paint(false)) ==
          "JOB                  STATE   COUNT  TASK\n"
          "rotate-certificates  failed     12  systemctl res…\n"
          "backup               ok       1234  日本  tar\n");
    CHECK(sample_table().render(36, Paint(false)) == "JOB            STATE   COUNT  TASK\n"
                                                     "rotate-certi…  failed     12  syste…\n"
                                                     "backup         ok       1234  日本 …\n");
    CHECK(sample_table().render(12, Paint(false)) == "JOB\nrotate-cert…\nbackup\n");
    for (std::size_t width = 1; width < 100; ++width) {
        std::istringstream lines(sample_table().render(width, Paint(false)));
        std::size_t count = 0;
        for (std::string line; std::getline(lines, line); ++count) CHECK(display_width(line) <= width);
        CHECK(count == 3);
    }
}

TEST_CASE("a column that may go below stands below its row, whole, where there is no room for it") {
    Table table({{"RUN", 0, 4}, {"NODES", 1, 5}, {"NOTE", 2, 4, false, true}});
    table.add({"01a2", "3 ok", "overdue: it began 5m later than expected"});
    table.add({"01a1", "3 ok"});
    CHECK(table.render(0, Paint(false)) == "RUN   NODES  NOTE\n01a2  3 ok   overdue: it began 5m later than expected\n01a1  3 ok\n");
    CHECK(table.render(30, Paint(false)) == "RUN   NODES\n01a2  3 ok\n  overdue: it began 5m later\n  than expected\n01a1  3 ok\n");
    CHECK(table.render(6, Paint(false)) == "RUN\n01a2\noverd…\nit\nbegan\n5m\nlater\nthan\nexpec…\n01a1\n");
}

TEST_CASE("colours wrap the words of a table, not its padding") {
    Table table({{"A"}, {"B"}});
    table.add({{"x", Colour::red}, "y"});
    CHECK(table.render(0, Paint(true)) == "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
}

TEST_CASE("times are told as people tell them") {
    const Instant now(std::chrono::hours(24 * 20'000));
    using std::chrono::seconds;
    CHECK(relative_time(now, now) == "now");
    CHECK(relative_time(now - seconds(12), now) == "12s ago");
    CHECK(relative_time(now + seconds(300), now) == "in 5m");
    CHECK(relative_time(now - seconds(2 * 86'400), now) == "2d ago");
    CHECK(relative_time(now - seconds(5 * 3600), now) == "5h ago");
    CHECK(relative_time(now + std::chrono::hours(24 * 100), now) == "in 100d");
    CHECK(relative_time(now - std::chrono::hours(24 * 1000), now) == "1000d ago");
    CHECK(relative_time(std::optional<std::string>(), now).empty());
    CHECK(relative_time(std::optional<std::string>("soon"), now) == "soon");
    CHECK(time_between("2026-01-31T08:05:00Z", "2026-01-31T08:05:04.200Z") == "4.2s");
    CHECK(time_between("2026-01-31T08:05:00Z", std::nullopt).empty());
    const Zone west("west", {{std::chrono::sys_seconds::min(), -std::chrono::minutes(210)}});
    CHECK(wall_time(*parse_instant("2026-01-31T08:05:00Z"), west) == "2026-01-31T04:35:00-03:30");
    CHECK(friendly_wall_time("2026-01-31T04:35:00-03:30") == "Sat 2026-01-31 04:35:00 -03:30");
    CHECK(friendly_wall_time("2026-01-31T04:35:00Z") == "Sat 2026-01-31 04:35:00 Z");
    CHECK(friendly_wall_time("tomorrow") == "tomorrow");
    CHECK(friendly_wall_time("").empty());
}

TEST_CASE("a gathered block names its nodes, how they ended and what they wrote") {
    OutputGroupView group;
    group.nodes = "db[1-3]";
    group.count = 3;
    group.state = "failed";
    group.exit_status = 2;
    group.out = "one\n";
    group.err = "bad\nworse";
    group.err_dropped = 7;
    CHECK(render_group(group, {}) == "---------------------------\n"
                                     "db[1-3] (3)  failed: exit 2\n"
                                     "---------------------------\n"
                                     "one\n"
                                     "stderr: bad\n"
                                     "stderr: worse\n"
                                     "(7 more bytes of stderr were not kept)\n");
    OutputGroupView dead;
    dead.nodes = "web7";
    dead.count = 1;
    dead.state = "unreachable";
    dead.cause = "refused";
    dead.message = "connection refused by 10.0.0.7:22\x1b[2J";
    CHECK(render_group(dead, {}) == "------------------------------\n"
                                    "web7 (1)  unreachable: refused\n"
                                    "------------------------------\n"
                                    "connection refused by 10.0.0.7:22\n");
    GatherStyle terminal;
    terminal.width = 20;
    OutputGroupView hostile = group;
    hostile.state = "ok";
    hostile.exit_status = 0;
    hostile.out = "\x1b[31mred\x1b]0;x\a";
    hostile.err.clear();
    hostile.err_dropped = 0;
    CHECK(render_group(hostile, terminal) == "---------------\ndb[1-3] (3)\n---------------\nred\n");
    CHECK(render_group(hostile, {}) == "---------------\ndb[1-3] (3)\n---------------\n\x1b[31mred\x1b]0;x\a\n");
}

TEST_CASE("a run is summed up by state and cause") {
    RunView run;
    run.targets = 6;
    run.counts = {{"ok", 2}, {"failed", 1}, {"unreachable", 3}};
    run.started = "2026-01-31T08:05:00Z";
    run.finished = "2026-01-31T08:05:04.200Z";
    OutputGroupView refused, auth;
    refused.state = auth.state = "unreachable";
    refused.cause = "refused";
    refused.count = 2;
    auth.cause = "auth";
    auth.count = 1;
    CHECK(summarise(run, {refused, auth}, Paint(false)) ==
          "2 ok, 1 failed, 3 unreachable (1 auth, 2 refused) of 6 in 4.2s");
    CHECK(summarise(RunView{}, {}, Paint(false)) == "no nodes");
}

TEST_CASE("a progress line fits and says the most important things first") {
    ProgressSnapshot snapshot;
    snapshot.counts = {{"ok", 40}, {"failed", 2}, {"unreachable", 1}, {"running", 5}, {"queued", 52}};
    snapshot.targets = 100;
    snapshot.elapsed = std::chrono::milliseconds(12'345);
    CHECK(snapshot.ended() == 43);
    CHECK(render_progress(80, snapshot, Paint(false)) ==
          "[============                  ] 43/100  2 failed  1 unreachable  5 running  12s");
    CHECK(render_progress(30, snapshot, Paint(false)) == "43/100  2 failed  12s");
    CHECK(render_progress(5, snapshot, Paint(false)) == "43/1…");
    for (std::size_t width = 1; width < 200; ++width)
        CHECK(display_width(render_progress(width, snapshot, Paint(false))) <= width);
    CHECK(render_progress(80, {}, Paint(false)).find("0/0") != std::string::npos);
}

TEST_CASE("the progress line is written once, and taken away") {
    std::ostringstream terminal;
    {
        ProgressLine line(terminal);
        line.draw("a");
        line.draw("a");
        line.draw("b");
    }
    CHECK(terminal.str() == "\ra\x1b[K\rb\x1b[K\r\x1b[K");
}
