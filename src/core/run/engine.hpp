#pragma once
#include "core/async/strands.hpp"
#include "core/run/change_log.hpp"
#include "core/run/hook_start.hpp"
#include "core/run/measures.hpp"
#include "core/run/messaging.hpp"
#include "core/run/run_store.hpp"
#include "core/run/service.hpp"
#include "core/run/token_store.hpp"
#include "core/model/catalog.hpp"
#include "core/task/registry.hpp"
#include "core/time/clock.hpp"

#include <functional>

namespace loom {

/// One entry of a job's log.
struct LogEntry {
    LogFile file; ///< its placeholders filled in
    std::string text;
    std::string job;
    std::string run, due; ///< where the file's name holds them, files of other runs are its siblings
};

/// Writes what a job's `log:` names. Any thread; must not block.
class JobLog {
public:
    virtual ~JobLog() = default;
    virtual void append(LogEntry entry) = 0;
};

/// What an engine stands on; everything outlives it.
struct EngineParts {
    std::shared_ptr<void> owned; ///< what lives as long as the engine
    Strands strands;
    Executor store_executor; ///< the store's own thread
    RunStore* store = nullptr;
    Connector* connector = nullptr;
    TokenStore* tokens = nullptr;       ///< null: none can be made
    Messaging* messaging = nullptr;     ///< null: there are neither hooks nor notifications
    std::shared_ptr<ChangeLog> changes; ///< null: there is no stream of all runs
    const TaskRegistry* tasks = nullptr;
    LocalShell* local = nullptr;
    /// A text of this host for a task, on the blocking pool: absolute or below `~/`; empty: there are none.
    std::function<Result<std::string>(const std::string& path)> read_file;
    PluginHost* plugins = nullptr; ///< null: a task of a plugin fails
    Clock* clock = nullptr;
    JobLog* job_log = nullptr;
    std::size_t descriptors = 1024; ///< sockets at once, over all runs
    std::string boot_id;            ///< the kernel's: `@reboot` fires once for each
    /// Reads the configuration anew, on the blocking pool; empty: this engine cannot reload.
    std::function<Result<CatalogPtr>()> read_catalog;
    Executor blocking_executor;
};

/// Loom in one process: decides, runs, records. The service that the other doors lead to.
class Engine : public Service {
public:
    /// Runs that a crash left behind end `interrupted`. Returns how many. Those whose job says `on_lost: rerun` are run again by
    /// the engine that reloads, a daemon's; any other leaves them to it.
    virtual awaitable<Result<std::size_t>> reconcile() = 0;
    /// What a webhook's delivery comes to: see start_by_hook.
    virtual awaitable<Result<HookStarted>> start_hook(HookStart start) = 0;
    /// Fires due jobs until `stop`; returns when the last run it started has ended.
    virtual awaitable<void> serve(StopToken stop) = 0;
    /// Begins nothing more, and waits until what is in flight has ended: at most so long, or until `hurry`. On a strand.
    virtual awaitable<void> settle(Milliseconds most, StopToken hurry) = 0;
    /// Ends all runs for this reason and waits for their last row.
    virtual awaitable<void> end(StopReason reason) = 0;
    virtual CatalogPtr current_catalog() const = 0;
    /// Who a bearer token stands for; Errc::denied where for nobody.
    virtual awaitable<Result<Principal>> find_token(std::string token) = 0;
    /// Why no work is taken right now; nothing where all is well. Any thread.
    virtual std::optional<std::string> unready() const = 0;
    /// Any thread; what it points to lives as long as the engine.
    virtual EngineMeasures measures() const = 0;
    /// Called from now on after each reload, on the blocking pool: takes in what else is read anew, and returns what is wrong with
    /// it. Any thread.
    virtual void when_reloaded(std::function<std::vector<Problem>()> read) = 0;
    /// Called from now on, on any thread, where a change of a run was committed. While nothing runs.
    virtual void on_change(std::function<void()> changed) = 0;
};

std::unique_ptr<Engine> create_engine(EngineParts parts, CatalogPtr catalog);

} // namespace loom
