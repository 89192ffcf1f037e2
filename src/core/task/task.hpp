#pragma once
#include "core/task/remote.hpp"

#include <memory>
#include <string>

namespace loom {

/// Port: runs a shell line on the daemon's own host (`fabric.api.local`), the one place where a child process starts.
class LocalShell {
public:
    virtual ~LocalShell() = default;
    virtual awaitable<Outcome> run(ExecRequest request, StopToken stop) = 0;
};

/// What a task may use on one node. Lives on the node's strand.
struct TaskContext {
    Timeouts timeout;
    const Node* node = nullptr; ///< never null within a run
    Remote* remote = nullptr; ///< null for a task that does not need the node
    LocalShell* local = nullptr;
    StopToken stop;
    /// Takes what the task prints, as it comes, for whoever follows the run: ExecRequest::on_output of the command whose output is
    /// the task's. May be empty.
    std::function<void(bool err, std::string_view bytes)> on_output;
};

/// One kind of work, made for one node of one run from its arguments; `run` is called once.
class Task {
public:
    virtual ~Task() = default;
    virtual bool needs_remote() const { return true; }
    virtual awaitable<Outcome> run(TaskContext context) = 0;
};

} // namespace loom
