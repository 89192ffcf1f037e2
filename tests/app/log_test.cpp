#include "app/log.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

const Instant now = Instant(std::chrono::seconds(1'764'385'945)) + std::chrono::milliseconds(7);

LogLine line(std::string_view text) { return {LogLevel::warning, Subsystem::run, {"018c", "backup", "web1"}, text}; }

} // namespace

TEST_CASE("a line for a person has its fields at the end, and no control characters") {
    CHECK(log_text(line("disk full"), LogFormat::text, false, now) ==
          "2025-11-29T03:12:25.007Z warning run: disk full run=018c job=backup node=web1");
    CHECK(log_text({LogLevel::info, Subsystem::daemon, {}, "ended"}, LogFormat::text, false, now) ==
          "2025-11-29T03:12:25.007Z info daemon: ended");
    const auto text = log_text(line("a\x1b[31m\nb"), LogFormat::text, false, now);
    CHECK(text.find('\n') == text.npos);
    CHECK(text.find('\x1b') == text.npos);
    CHECK(log_text(line("x"), LogFormat::text, true, now).find("\x1b[33mwarning\x1b[0m") != std::string::npos);
}

TEST_CASE("a line for a program is one JSON object, whatever its bytes") {
    CHECK(log_text(line("a \"b\"\n\xff"), LogFormat::json, true, now) ==
          R"({"time":"2025-11-29T03:12:25.007Z","level":"warning","subsystem":"run","run":"018c","job":"backup",)"
          R"("node":"web1","message":"a \"b\"\n\\xff"})");
    CHECK(log_text({LogLevel::info, Subsystem::ssh, {}, "x"}, LogFormat::json, false, now) ==
          R"({"time":"2025-11-29T03:12:25.007Z","level":"info","subsystem":"ssh","message":"x"})");
}

TEST_CASE("journald gets fields of its own, several lines with their length") {
    CHECK(log_text(line("x"), LogFormat::journald, false, now) ==
          "MESSAGE=x\nPRIORITY=4\nSYSLOG_IDENTIFIER=loom\nLOOM_SUBSYSTEM=run\nLOOM_RUN=018c\nLOOM_JOB=backup\nLOOM_NODE=web1\n");
    const auto text = log_text(line("a\nb=c"), LogFormat::journald, false, now);
    CHECK(text.starts_with(std::string("MESSAGE\n\x05\0\0\0\0\0\0\0a\nb=c\nPRIORITY", 29)));
}
