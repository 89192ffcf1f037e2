#include "core/base/log.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

std::vector<std::string> told;

void take(const LogLine& line) {
    told.push_back(std::string(to_string(line.level)) + " " + std::string(to_string(line.subsystem)) + " " +
                   std::string(line.about.run) + "|" + std::string(line.about.node) + ": " + std::string(line.text));
}

} // namespace

TEST_CASE("each subsystem has a level of its own, which may change at any time") {
    told.clear();
    const auto before = set_log_output(take);
    LogLevels levels;
    levels.fill(LogLevel::warning);
    levels[static_cast<std::size_t>(Subsystem::ssh)] = LogLevel::debug;
    set_log_levels(levels);
    logs::ssh.debug({.node = "web1"}, "port {}", 22);
    logs::run.info({}, "too quiet");
    logs::run.error({.run = "018c"}, "{} {}", "ledger", "full");
    levels.fill(LogLevel::off);
    set_log_levels(levels);
    logs::run.error({}, "not this");
    levels.fill(LogLevel::warning);
    set_log_levels(levels);
    set_log_output(before);
    CHECK(told == std::vector<std::string>{"debug ssh |web1: port 22", "error run 018c|: ledger full"});
}

TEST_CASE("levels and subsystems are known by their words") {
    for (std::size_t i = 0; i < subsystems; ++i)
        CHECK(parse_subsystem(to_string(static_cast<Subsystem>(i))) == static_cast<Subsystem>(i));
    CHECK(parse_log_level("warning") == LogLevel::warning);
    CHECK_FALSE(parse_log_level("loud").has_value());
}
