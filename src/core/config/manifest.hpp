#pragma once
#include "core/config/schedule_fields.hpp"

namespace loom {

struct Manifest {
    std::vector<JobDraft> jobs; ///< each with its own faults
    Faults faults;              ///< of the manifest as a whole
};

/// Reads a manifest behind the datafile's text (null: none) as one YAML document. A text without top-level `jobs` has
/// no jobs and no faults.
Manifest read_manifest(const SourceText* data, const SourceText& text, const JobDraft& defaults, const ScheduleTerms& terms);

/// Faults of the datafile itself: it must stand before a manifest as lines of a block map.
Faults check_datafile(const SourceText& data);

/// Where the datafile holds `jobs`, which nothing reads.
std::optional<Mark> jobs_in_datafile(const SourceText& data);

} // namespace loom
