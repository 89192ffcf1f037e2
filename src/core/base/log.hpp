#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <spdlog/fmt/fmt.h>
#include <string_view>

namespace loom {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };
/// Who speaks: each has a level of its own.
enum class Subsystem : std::uint8_t { daemon, config, schedule, run, store, ssh, http };
inline constexpr std::size_t subsystems = 7;

std::string_view to_string(LogLevel level);
std::string_view to_string(Subsystem subsystem);
std::optional<LogLevel> parse_log_level(std::string_view text);
std::optional<Subsystem> parse_subsystem(std::string_view text);

/// What a line is about, as far as it is known.
struct LogFields {
    std::string_view run{}, job{}, node{};
};

struct LogLine {
    LogLevel level = LogLevel::info;
    Subsystem subsystem = Subsystem::daemon;
    LogFields about;
    std::string_view text;
};

/// The least level of each subsystem that is written.
using LogLevels = std::array<LogLevel, subsystems>;

/// From now on. Any thread, at any time.
void set_log_levels(const LogLevels& levels);
using LogOutput = void (*)(const LogLine& line);
/// Where lines go: called on whichever thread speaks, and so must not block. Before any other thread begins. Without
/// one, warnings and errors go to standard error as a command's messages do. Returns where they went before.
LogOutput set_log_output(LogOutput output);

/// One subsystem's voice. Neither secrets nor what nodes print belong into it.
class Log {
public:
    constexpr explicit Log(Subsystem subsystem) : subsystem_(subsystem) {}

    template <class... A>
    void debug(const LogFields& about, fmt::format_string<A...> text, A&&... args) const {
        say(LogLevel::debug, about, text, fmt::make_format_args(args...));
    }
    template <class... A>
    void info(const LogFields& about, fmt::format_string<A...> text, A&&... args) const {
        say(LogLevel::info, about, text, fmt::make_format_args(args...));
    }
    template <class... A>
    void warn(const LogFields& about, fmt::format_string<A...> text, A&&... args) const {
        say(LogLevel::warning, about, text, fmt::make_format_args(args...));
    }
    template <class... A>
    void error(const LogFields& about, fmt::format_string<A...> text, A&&... args) const {
        say(LogLevel::error, about, text, fmt::make_format_args(args...));
    }

private:
    void say(LogLevel level, const LogFields& about, fmt::string_view text, fmt::format_args args) const;

    Subsystem subsystem_;
};

/// One for each subsystem: `logs::ssh.warn({.node = name}, "…", …)`.
namespace logs {
inline constexpr Log daemon(Subsystem::daemon), config(Subsystem::config), schedule(Subsystem::schedule), run(Subsystem::run),
    store(Subsystem::store), ssh(Subsystem::ssh), http(Subsystem::http);
} // namespace logs

} // namespace loom
