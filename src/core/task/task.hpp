#pragma once
#include "core/model/plugin.hpp"
#include "core/task/remote.hpp"

#include <memory>
#include <string>

namespace loom {

/// Port: runs a shell line on the daemon's own host (`fabric.api.local`), the one place where a child process of its own starts.
class LocalShell {
public:
    virtual ~LocalShell() = default;
    virtual awaitable<Outcome> run(ExecRequest request, StopToken stop) = 0;
};

struct PlaceholderScope;
/// What a plugin's task is given; it may ask nothing about.
struct PluginCall {
    Plugin plugin;
    TaskSpec task; ///< its placeholders filled in
};

struct TaskContext;

/// Port: runs tasks that are not built in, in processes that hold no key. Any strand.
class PluginHost {
public:
    virtual ~PluginHost() = default;
    /// Whatever becomes of the process is this node's outcome, and nobody else's.
    virtual awaitable<Outcome> run(PluginCall call, TaskContext context) = 0;
    /// Ends every process; nothing may be run any more.
    virtual awaitable<void> close() = 0;
};

/// The run that a task belongs to. What it points to lives as long as the run.
struct TaskRun {
    std::string_view id, job;
    std::string_view due; ///< RFC 3339; empty: none
    const std::vector<const Node*>* targets = nullptr;
};

/// What a task may use on one node. Lives on the node's strand.
struct TaskContext {
    TaskRun of;
    Timeouts timeout;
    const Node* node = nullptr; ///< never null within a run
    Remote* remote = nullptr; ///< null for a task that does not need the node
    LocalShell* local = nullptr;
    Connector* connector = nullptr; ///< never null within a run: for the task that has the node boot
    const PlaceholderScope* scope = nullptr; ///< what placeholders in a text that the task reads stand for; never null within a run
    /// A text of the daemon's own host, read off the io threads: absolute or below `~/`. Errc::config says why not.
    std::function<awaitable<Result<std::string>>(std::string path)> read_file;
    PluginHost* plugins = nullptr; ///< null: there are none here
    StopToken stop;
    /// Where the task's output is gathered, for whoever follows the run: ExecRequest::output of the command whose output is the
    /// task's. Null: nobody does.
    std::shared_ptr<OutputBuffer> output;
};

/// One kind of work, made for one node of one run from its arguments; `run` is called once.
class Task {
public:
    virtual ~Task() = default;
    virtual bool needs_remote() const { return true; }
    /// Whether `run` heeds TaskSpec::check. One that does not is never run with it: its nodes end `skipped`.
    virtual bool can_check() const { return false; }
    /// Why there is nothing to do on the node, which is then not even dialled and ends `skipped`; nothing: there is.
    virtual std::optional<std::string> passes_over(const Node&) const { return std::nullopt; }
    virtual awaitable<Outcome> run(TaskContext context) = 0;
};

} // namespace loom
