#pragma once
#include "core/task/library/parameter.hpp"
#include "core/task/task.hpp"

namespace loom {

/// Files to the node, and from it, by SFTP. The first parameter of `info` is what to bring or fetch, the second where it goes.
/// Errc::config errors say which argument is wrong.
Result<std::unique_ptr<Task>> make_put_task(const TaskInfo& info, const TaskSpec& spec);
Result<std::unique_ptr<Task>> make_get_task(const TaskInfo& info, const TaskSpec& spec);

/// `put /etc/motd → /etc/motd`, `get /var/log/syslog`, for people; nothing for any task but fabric.api.put and get.
std::string describe_file_task(const TaskSpec& spec);

} // namespace loom
