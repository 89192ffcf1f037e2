#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

/// A job's `log`.
void read_log_file(const YamlNode& node, JobDraft& draft, Faults& faults);

} // namespace loom
