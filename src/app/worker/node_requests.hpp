#pragma once
#include "app/worker/messages.hpp"
#include "app/worker/spool.hpp"

namespace loom {

/// What is done on a node for a worker: on the task's own connection, by the daemon's rights there, which the job has anyway. The
/// worker names no file of this host.
struct NodeHands {
    Executor blocking;
    std::shared_ptr<Spool> spool;
    TaskContext context;
    Secret become_password; ///< the job's
};

/// What a request came to: the members of its reply, and whether the link to the node is gone.
struct Done {
    boost::json::object reply;
    bool lost = false;
    std::string message;
};

/// Does it, until `stop`. `heard` gets a command's output as it comes, on the command's strand; may be empty.
awaitable<Done> perform(const NodeHands& hands, WorkerRequest request, OutputBuffer::Heard heard, StopToken stop);

/// The shell text that looks at a path, and the reading of what it prints: `81a4 1024 1700000000`, `link` or `none`. Pure.
Result<std::string> stat_command(const std::string& path);
std::optional<boost::json::object> read_stat(std::string_view text);

} // namespace loom
