#pragma once
#include "core/config/job_fields.hpp"

#include <map>

namespace loom {

// The keys that say when a job runs, and what becomes of an instant at which it cannot.

void read_schedule(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_catch_up(const YamlNode& node, JobDraft& draft, Faults& faults);

/// What a schedule may refer to.
struct ScheduleTerms {
    ZonePtr zone; ///< where none is named
    std::map<std::string, CalendarPtr> calendars;
};

/// Makes the job's schedule of what was read; faults go to the draft's own.
void finish_schedule(JobDraft& draft, const ScheduleTerms& terms);

} // namespace loom
