#pragma once
#include "core/config/reading.hpp"
#include "core/time/calendar.hpp"

#include <map>

namespace loom {

/// The `calendars` of loom.yaml: a name → its dates, its times of the week, its time zone.
void read_calendars(const YamlNode& node, std::map<std::string, CalendarPtr>& calendars, Faults& faults);

} // namespace loom
