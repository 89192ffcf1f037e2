#pragma once
#include "core/task/registry.hpp"

namespace loom {

/// fabric.api.put: `local_path` (text, or a list of them), `remote_path` and `mode` (octal), the first two from `args`
/// too. fabric.api.get: `remote_path` (text or a list) and `local_path`, the folder that each node's own lands in.
/// Errc::config errors say which argument is wrong.
Result<std::unique_ptr<Task>> make_put_task(const TaskSpec& spec);
Result<std::unique_ptr<Task>> make_get_task(const TaskSpec& spec);

/// `put /etc/motd → /etc/motd`, `get /var/log/syslog`, for people; nothing for any other task.
std::string describe_file_task(const TaskSpec& spec);

} // namespace loom
