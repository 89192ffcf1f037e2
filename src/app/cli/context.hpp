#pragma once
#include "core/async/block_on.hpp"
#include "core/base/limits.hpp"
#include "core/model/catalog.hpp"
#include "core/run/service.hpp"
#include "core/time/clock.hpp"

#include <chrono>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

namespace loom {

/// Where a command reads and writes, and what stands at the other end.
struct Streams {
    std::istream& in;
    std::ostream& out; ///< data
    std::ostream& err; ///< messages and progress
    bool out_terminal = false;
    bool err_terminal = false;
    bool in_terminal = false; ///< somebody may be asked
    std::function<std::size_t()> width = [] { return std::size_t{80}; }; ///< columns of the terminal, now
    bool colour = false; ///< a terminal that wants colours; `--no-color` and NO_COLOR turn it off
};

/// What a command asks of the door it goes through.
enum class Need : std::uint8_t {
    read,   ///< a daemon, else the store without a lock
    write,  ///< a daemon, else an engine in this process
    daemon, ///< a daemon, or Errc::unavailable
};

/// An open door.
struct OpenService {
    std::unique_ptr<Service> service;
    bool daemon = false; ///< answered by a daemon, so a run goes on when this process leaves
    bool remote = false; ///< over the network, where a connection may break and be made again
    std::shared_ptr<void> ending; ///< goes first: waits until the service does nothing more
};

/// One line of `loom doctor`.
struct Checkup {
    std::string name;
    bool ok = true;
    std::string text;
};

/// Everything a command may use; made by `main`, outlives the command line. `config` arguments are the value of -c: a
/// list `a,b,c` whose first existing file wins, empty for the default places.
struct CommandContext {
    Streams streams;
    Executor executor; ///< runs on threads other than the caller's
    const Clock& clock;
    std::string caller; ///< `user:anna`: who asks, for a run in this process

    std::function<Result<OpenService>(const std::string& config, Need need)> open_service{};
    std::function<int(const std::string& config)> serve{};
    std::function<Result<CatalogPtr>(const std::string& config)> load_catalog{};
    std::function<std::vector<Checkup>(const std::string& config)> doctor{};
    /// What is wrong with the tasks of plugins that jobs name, as workers find; empty: nobody can tell.
    std::function<std::vector<Problem>(const Catalog& catalog)> check_plugins{};
    std::function<std::string()> libraries{}; ///< for --version: `libssh2 1.11.1, OpenSSL 3.0.17`

    /// From now on each SIGINT and SIGTERM calls the function, on any thread; an empty one gives them back.
    std::function<void(std::function<void()>)> on_interrupt{};
    /// Ends the process at once, without waiting for anything.
    std::function<void(int code)> leave{};

    std::string home{}, contexts_file{}; ///< ~, and ~/.loom/contexts.yaml

    /// After a Ctrl-C that left a run to the daemon: so long another one cancels it.
    std::chrono::milliseconds detach_grace{std::chrono::seconds(3)};

    /// Between two tries to come back over a network that fails.
    std::chrono::milliseconds reconnect_pause{limits::reconnect_pause};

    /// Where completion keeps what took long to learn; empty: nowhere.
    std::string cache_folder{};

    // Set by the command line.
    std::string config{};
    std::string server{}, server_context{}; ///< --server, --context
    bool json = false;
    bool verbose = false;

    /// Runs the coroutine on a strand of its own and blocks this thread until it has ended.
    template <class T>
    T wait(awaitable<T> work) const {
        return block_on(executor, std::move(work));
    }
};

/// Runs `loom ARGS`; returns the exit code (docs/semantics.md, "Exit codes").
int run_command_line(std::vector<std::string> args, CommandContext& context);

/// An `on_interrupt` made of the process's signals, on the executor's threads.
std::function<void(std::function<void()>)> signal_interrupts(const Executor& executor);

} // namespace loom
