#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

/// What a job without faults says that may not be what was meant. Pure.
Faults warnings_of(const JobDraft& draft);

} // namespace loom
