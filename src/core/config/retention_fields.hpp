#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

/// loom.yaml's `retention`.
void read_retention(const YamlNode& node, Retention& retention, Faults& faults);
/// A job's.
void read_job_retention(const YamlNode& node, JobDraft& draft, Faults& faults);

} // namespace loom
