#pragma once
#include "core/base/log.hpp"

namespace loom {

enum class LogFormat : std::uint8_t {
    automatic, ///< text on a terminal, journald's own fields under systemd, else JSON lines
    text, json, journald,
};

/// The daemon's log, as loom.yaml has it.
struct LogSettings {
    LogLevel level = LogLevel::info;
    std::array<std::optional<LogLevel>, subsystems> levels; ///< of those that have one of their own
    LogFormat format = LogFormat::automatic;

    LogLevels in_force() const {
        LogLevels all{};
        for (std::size_t i = 0; i < subsystems; ++i) all[i] = levels[i].value_or(level);
        return all;
    }
};

} // namespace loom
