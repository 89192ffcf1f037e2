#pragma once
#include "core/model/plugin.hpp"

#include <boost/describe.hpp>

namespace loom {

/// What the daemon asks of the process that is to become a worker (app/worker/launcher.hpp): the first frame on its channel.
struct LaunchOrder {
    std::vector<std::string> command; ///< the program and its arguments; a bare word is looked for
    std::map<std::string, std::string> env;
    std::vector<std::string> read;  ///< files and folders that it may read, beside the system's
    std::vector<std::string> paths; ///< of its modules: they are read, too
    bool sandbox = true, network = false, python = true;
    std::uint64_t memory_bytes = 0, file_bytes = 0, temp_bytes = 0, processes = 0, cpu_seconds = 0; ///< zero: no limit
    std::uint32_t uid = 0; ///< that of its user where the daemon is root: nobody else's on this host
};
BOOST_DESCRIBE_STRUCT(LaunchOrder, (), (command, env, read, paths, sandbox, network, python, memory_bytes, file_bytes, temp_bytes, processes, cpu_seconds, uid))

/// For one of the workers that this process has at once; `place` is another one for each.
LaunchOrder launch_order(const PluginSettings& plugin, std::uint32_t place);

/// Where programs are looked for, here and by a worker.
inline constexpr const char* program_folders = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// The path of a program: itself where it holds a `/`, else the first one of that name in the folders. Errc::not_found.
Result<std::string> find_program(const std::string& word);

/// What an interpreter needs beside itself: the folders of its installation, where that is not the system's.
std::vector<std::string> installation_of(const std::string& program);

} // namespace loom
