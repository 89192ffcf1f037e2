#pragma once
#include "core/config/reading.hpp"
#include "core/model/log_settings.hpp"

namespace loom {

/// loom.yaml's `log`: the daemon's own.
void read_log_settings(const YamlNode& node, LogSettings& log, Faults& faults);

} // namespace loom
