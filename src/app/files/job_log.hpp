#pragma once
#include "core/run/engine.hpp"

namespace loom {

/// Appends entries to files on the blocking executor, in the order they came; parent folders are made (0750, files
/// 0640). A file that would pass its `rotate` is renamed first (`x.log.20261129T031500Z`). Siblings that are older than
/// `keep` go, once an hour: what was renamed so, and where the name holds the run's id or instant, the files of other runs.
/// What exceeds limits::job_log_queue_bytes while the disk is slow is dropped, and the next entry says how many were. A path
/// that is not absolute or holds `..` is refused. What goes wrong is told once for each file.
std::unique_ptr<JobLog> create_job_log(Executor blocking);

/// The jobs whose `log` this process could not write to now, as far as its path is known without a run. Looks at the disk.
std::vector<Problem> unwritable_logs(const Catalog& catalog);

} // namespace loom
