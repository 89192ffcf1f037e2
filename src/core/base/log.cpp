#include "core/base/log.hpp"

#include <atomic>
#include <cstdio>
#include <string>
#include <utility>

namespace loom {
namespace {

constexpr std::array<std::string_view, 5> level_words{"debug", "info", "warning", "error", "off"};
constexpr std::array<std::string_view, subsystems> subsystem_words{"daemon", "config", "schedule", "run",
                                                                   "store",  "ssh",    "http"};

template <class Value, std::size_t N>
std::optional<Value> parse(const std::array<std::string_view, N>& words, std::string_view text) {
    for (std::size_t i = 0; i < N; ++i)
        if (words[i] == text) return static_cast<Value>(i);
    return std::nullopt;
}

/// A command's own messages begin with its name.
void tell_person(const LogLine& line) {
    std::string text = "loom: ";
    for (const auto about : {line.about.run, line.about.job, line.about.node})
        if (!about.empty()) text.append(about).append(": ");
    text.append(line.text).push_back('\n');
    std::fwrite(text.data(), 1, text.size(), stderr);
}

std::array<std::atomic<LogLevel>, subsystems> levels{LogLevel::warning, LogLevel::warning, LogLevel::warning,
                                                     LogLevel::warning, LogLevel::warning, LogLevel::warning,
                                                     LogLevel::warning};
LogOutput output = tell_person;

} // namespace

std::string_view to_string(LogLevel level) { return level_words[static_cast<std::size_t>(level)]; }
std::string_view to_string(Subsystem subsystem) { return subsystem_words[static_cast<std::size_t>(subsystem)]; }
std::optional<LogLevel> parse_log_level(std::string_view text) { return parse<LogLevel>(level_words, text); }
std::optional<Subsystem> parse_subsystem(std::string_view text) { return parse<Subsystem>(subsystem_words, text); }

void set_log_levels(const LogLevels& wanted) {
    for (std::size_t i = 0; i < subsystems; ++i) levels[i].store(wanted[i], std::memory_order_relaxed);
}

LogOutput set_log_output(LogOutput to) { return std::exchange(output, to ? to : tell_person); }

void Log::say(LogLevel level, const LogFields& about, fmt::string_view text, fmt::format_args args) const {
    if (level < levels[static_cast<std::size_t>(subsystem_)].load(std::memory_order_relaxed)) return;
    output({level, subsystem_, about, fmt::vformat(text, args)});
}

} // namespace loom
