#pragma once
#include "core/run/engine.hpp"

namespace loom {

/// Appends entries to files on the blocking executor, in the order they came; parent folders are made (0750, files
/// 0640). What exceeds limits::job_log_queue_bytes while the disk is slow is dropped, and the next entry says how many
/// were. A path that is not absolute or holds `..` is refused with a warning.
std::unique_ptr<JobLog> create_job_log(Executor blocking);

} // namespace loom
